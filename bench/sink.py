"""The sink, from the base64 of the Kinesis records to the commit, beside other ways to write."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
from psycopg2 import extensions

from bench import events, running_cloud, write_path
from bench.rows import Goal, Row, Say, alternate
from bench.running_cloud import LocalCloud
from consumers.log_sink import core
from local import account
from shared import sink
from shared.database import Database
from shared.tables import LOGS

EVENTS = 5000
EVENTS_ONE_BY_ONE = 300  # of the slowest way: its rate does not depend on their number
EVENTS_ON_THE_STREAM = 50_000
RECORDS_IN_A_REQUEST = 50
REPETITIONS = 7

_COLUMNS = ", ".join(LOGS.columns)

type Store = Callable[[dict[str, Any]], None]


class Time:
    """A context object of an invocation that has much time."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def rows(functions: Path, say: Say) -> Iterator[Row]:
    """The sink against other ways, and against itself in the local cloud, in one Postgres."""
    logging.disable(logging.INFO)  # a line for each commit
    with running_cloud.running(functions) as cloud:
        connection = cloud.connect()
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE unkeyed (LIKE logs INCLUDING DEFAULTS)")
            cursor.execute("CREATE TABLE indexed (LIKE logs INCLUDING DEFAULTS INCLUDING INDEXES)")
            cursor.execute("ALTER TABLE indexed DROP CONSTRAINT indexed_pkey")
        os.environ.update(cloud.database)  # where libpq looks
        database = Database(os.environ)
        ours = f"the sink, {EVENTS:,} events a batch"
        one_by_one = "an insert and a commit for each event"
        pages = "execute_values(page_size=1000), the same decoding"
        limit = "COPY of ready-made text into the table without key and indexes"
        indexed = "COPY of ready-made text into the table without key, with its other indexes"
        floor = "COPY of ready-made text into the table as it is: the floor"
        on_stream = "through the local cloud, from records on the stream"

        def store(event: dict[str, Any]) -> None:
            answer = sink.store(core.groups(event), Time(), database, LOGS)
            assert answer == {"batchItemFailures": []}

        say(f"Storing {EVENTS:,} events in {REPETITIONS} turns")
        samples = alternate(
            {
                ours: lambda: _rate(store, EVENTS),
                one_by_one: lambda: _rate(_one_by_one(connection), EVENTS_ONE_BY_ONE),
                pages: lambda: _rate(_pages(connection), EVENTS),
                limit: lambda: copy_rate(connection, "unkeyed", EVENTS),
                indexed: lambda: copy_rate(connection, "indexed", EVENTS),
                floor: lambda: copy_rate(connection, "logs", EVENTS),
                on_stream: lambda: _rate_on_stream(cloud, connection),
            },
            REPETITIONS,
        )
        goals = {one_by_one: 28.0, pages: 1.4, limit: 0.8, indexed: None, floor: None}
        for against, ratio in goals.items():
            goal = None if ratio is None else Goal("least", ratio)
            yield Row(ours, against, "events/s", samples[ours], samples[against], goal)
        goal = Goal("least", 0.7)
        yield Row(on_stream, ours, "events/s", samples[on_stream], samples[ours], goal)


def copy_rate(connection: extensions.connection, table: str, count: int) -> float:
    """Events in a second that COPY writes to the table, their text made before."""
    text = "".join(
        "\t".join(
            _escaped(value if isinstance(value, str) else msgspec.json.encode(value).decode())
            for value in (event[column] for column in LOGS.columns)
        )
        + "\n"
        for event in events.log_events(count)
    )
    file = BytesIO(text.encode())
    started = time.perf_counter()
    with connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({_COLUMNS}) FROM STDIN", file, size=sink.COPY_BYTES)
    return count / (time.perf_counter() - started)


def _rate(store: Store, count: int) -> float:
    """Events in a second, of so many that are new."""
    event = events.kinesis_event(events.records(events.log_events(count)))
    started = time.perf_counter()
    store(event)
    return count / (time.perf_counter() - started)


def _one_by_one(connection: extensions.connection) -> Store:
    places = ", ".join(["%s"] * len(LOGS.columns))

    def store(event: dict[str, Any]) -> None:
        for row in write_path.decoded(event):
            with connection, connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO logs ({_COLUMNS}) VALUES ({places}) ON CONFLICT DO NOTHING",
                    write_path.row_values(row),
                )

    return store


def _pages(connection: extensions.connection) -> Store:
    def store(event: dict[str, Any]) -> None:
        with connection, connection.cursor() as cursor:
            write_path.pages(cursor, write_path.decoded(event))

    return store


def _rate_on_stream(cloud: LocalCloud, connection: extensions.connection) -> float:
    """Events in a second from the first PutRecords to the last row that is committed."""
    client = account.kinesis_client(cloud.kinesis)
    entries: Any = [
        {"Data": data, "PartitionKey": str(number)}
        for number, data in enumerate(events.records(events.log_events(EVENTS_ON_THE_STREAM)))
    ]
    with connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE logs")
    started = time.perf_counter()
    for first in range(0, len(entries), RECORDS_IN_A_REQUEST):
        part = entries[first : first + RECORDS_IN_A_REQUEST]
        answer = client.put_records(StreamName="local-logs", Records=part)
        assert answer["FailedRecordCount"] == 0
    running_cloud.wait_until_stored(connection, EVENTS_ON_THE_STREAM)
    return EVENTS_ON_THE_STREAM / (time.perf_counter() - started)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
