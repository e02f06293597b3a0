"""The ways to write rows into a table that may have them, from ready rows to the commit."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
from psycopg2 import extensions
from psycopg2.extras import execute_values

from bench import events, running_cloud
from bench.rows import Row, Say, alternate
from consumers.log_sink import core
from shared import sink
from shared.batch import Row as TableRow
from shared.copy_format import copy_file
from shared.tables import LOGS

SIZES = (100, 500, 5_000, 10_000)  # events in a transaction
REPETITIONS = 7

_COLUMNS = ", ".join(LOGS.columns)
_DEFINITIONS = ", ".join(f"{name} {type}" for name, type in LOGS.columns.items())

type Write = Callable[[extensions.cursor, Sequence[TableRow]], object]


def rows(functions: Path, say: Say) -> Iterator[Row]:
    """What a sink does against each other way, at each size of a transaction."""
    with running_cloud.running(functions) as cloud:
        connection = cloud.connect()
        for size in SIZES:
            say(f"Writing {size:,} events in {REPETITIONS} turns")
            subjects = {
                name: partial(_rate, connection, write, size) for name, write in WAYS.items()
            }
            samples = alternate(subjects, REPETITIONS)
            ours, *others = WAYS
            for other in others:
                what = f"{ours}, {size:,} events"
                yield Row(what, other, "events/s", samples[ours], samples[other])


def decoded(event: dict[str, Any]) -> Sequence[TableRow]:
    """The rows of an invocation's event."""
    return [row for group in core.groups(event) for row in group.rows]


def row_values(row: TableRow) -> list[object]:
    """The row's values as psycopg2 takes them, in the order of the table's columns."""
    values = dict(row.values, attributes=msgspec.json.encode(row.values["attributes"]).decode())
    values["event_id"] = str(values["event_id"])
    return [values[column] for column in LOGS.columns]


def pages(cursor: extensions.cursor, ready: Sequence[TableRow]) -> None:
    """Inserts the rows by execute_values, 1,000 in a statement."""
    statement = f"INSERT INTO logs ({_COLUMNS}) VALUES %s ON CONFLICT DO NOTHING"
    execute_values(cursor, statement, list(map(row_values, ready)), page_size=1000)


def _rate(connection: extensions.connection, write: Write, size: int) -> float:
    """Events in a second, of so many that are new."""
    ready = decoded(events.kinesis_event(events.records(events.log_events(size))))
    started = perf_counter()
    with connection, connection.cursor() as cursor:
        write(cursor, ready)
    return size / (perf_counter() - started)


def _staged(cursor: extensions.cursor, ready: Sequence[TableRow]) -> None:
    cursor.execute("CREATE TEMPORARY TABLE staged (LIKE logs INCLUDING DEFAULTS) ON COMMIT DROP")
    file = copy_file(row.data for row in ready)
    cursor.copy_expert(f"COPY staged ({_COLUMNS}) FROM STDIN (FORMAT binary)", file)
    cursor.execute(
        f"INSERT INTO logs ({_COLUMNS}) SELECT {_COLUMNS} FROM staged ON CONFLICT DO NOTHING"
    )


def _recordset(cursor: extensions.cursor, ready: Sequence[TableRow]) -> None:
    cursor.execute(
        f"INSERT INTO logs ({_COLUMNS}) SELECT {_COLUMNS}"
        f" FROM jsonb_to_recordset(%s::jsonb) AS given ({_DEFINITIONS}) ON CONFLICT DO NOTHING",
        [msgspec.json.encode([row.values for row in ready]).decode()],
    )


def _arrays(cursor: extensions.cursor, ready: Sequence[TableRow]) -> None:
    columns: list[Any] = [list(column) for column in zip(*map(row_values, ready), strict=True)]
    arrays = ", ".join(f"%s::{type}[]" for type in LOGS.columns.values())
    cursor.execute(
        f"INSERT INTO logs ({_COLUMNS}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING",
        columns,
    )


WAYS: dict[str, Write] = {
    "binary COPY, as a sink writes": lambda cursor, ready: sink.insert(cursor, LOGS, ready),
    "binary COPY to a temporary table, then INSERT": _staged,
    "INSERT from jsonb_to_recordset": _recordset,
    "INSERT from unnest of arrays": _arrays,
    "execute_values(page_size=1000)": pages,
}
