"""The shell of a sink: Kinesis records in, rows and quarantine out, exactly once in effect.

What can go wrong is one of four, each handled in one place:

1. an event that cannot be a row: shared.batch finds it, or PostgreSQL does (insert): quarantine;
2. an event_id that is stored with other content (_conflicts): quarantine;
3. a database that fails for now (Database.transaction): tried again, then left to Lambda to send
   again from the first record that is not committed;
4. a deployment that cannot work (Database): Misconfiguration, and the batch stays in the stream.
"""

import logging
import re
from collections.abc import Generator, Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import batched
from typing import Any

import msgspec
import psycopg2
from psycopg2 import errors, extensions, sql

from shared.batch import Group, Rejected, Row
from shared.context import Context
from shared.copy_format import copy_file
from shared.database import Database, Failure, classify
from shared.errors import Misconfiguration, Unavailable
from shared.tables import QUARANTINE, Table

# PostgreSQL names the first row that it refuses. What comes after is written anew in one piece, and
# where that is refused too in so many parts, so that a batch in which all are refused costs little
# more than a statement for each.
NARROWING = 8
COPY_BYTES = 1024 * 1024  # handed to libpq at once

_logger = logging.getLogger(__name__)


def store(
    groups: Iterable[Group], context: Context, database: Database, table: Table
) -> dict[str, Any]:
    """Stores a batch and returns Lambda's batch response: the first record that is not committed.

    Raises Misconfiguration.
    """
    remaining = context.get_remaining_time_in_millis
    with closing(_ahead(groups)) as ready:
        for group in ready:
            try:
                quarantined = database.transaction(partial(_write, table, group), remaining)
            except Unavailable as error:
                _logger.error("Not stored from record %s on: %s", group.sequence_number, error)
                return {"batchItemFailures": [{"itemIdentifier": group.sequence_number}]}
            taken = len(group.rows) + len(group.rejected)
            # As a field too, which a metric filter can add up.
            _logger.info(
                "Committed %d events, %d of them to quarantine",
                taken,
                quarantined,
                extra={"quarantined": quarantined},
            )
    return {"batchItemFailures": []}


def _ahead[T](items: Iterable[T]) -> Generator[T]:
    """The items, each made while the one before is in use."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as executor:
        following = executor.submit(next, iterator, None)
        while (item := following.result()) is not None:
            following = executor.submit(next, iterator, None)
            yield item


def _write(table: Table, group: Group, cursor: extensions.cursor) -> int:
    """Writes a group inside a transaction; returns how many events went to quarantine."""
    rejected = [*group.rejected, *insert(cursor, table, group.rows)]
    if rejected:
        entries = [
            {
                "stream": item.origin.stream,
                "shard_id": item.origin.shard_id,
                "sequence_number": item.origin.sequence_number,
                "event_index": item.origin.event_index,
                "kind": table.name,
                "reason": item.reason,
                "raw": "\\x" + item.origin.raw.hex(),
            }
            for item in rejected
        ]
        try:
            cursor.execute(
                _statement(_QUARANTINE, QUARANTINE), [msgspec.json.encode(entries).decode()]
            )
        except psycopg2.Error as error:
            if classify(error) is not Failure.DATA:
                raise
            # Without the error's detail, which would bring the event's content into the log.
            reason = error.diag.message_primary
            raise Misconfiguration(f"Quarantine refused what it must take: {reason}") from None
    return len(rejected)


def insert(
    cursor: extensions.cursor,
    table: Table,
    rows: Sequence[Row],
    stored: Set[str] = frozenset(),
) -> list[Rejected]:
    """Inserts the rows that are not stored yet; returns those at fault and those in conflict.

    `stored` are the event_ids of which that is known. Of the others it is asked only when the table
    refuses one: hardly ever, for Lambda delivers again only what failed.
    """
    rejected: list[Rejected] = []
    while rows:
        rejected += _conflicts(cursor, table, [row for row in rows if row.event_id in stored])
        # Of equal keys the first row counts: the others' turn is when it is stored, or refused.
        new: dict[str, Row] = {}
        unknown = [row for row in rows if row.event_id not in stored]
        rows = [row for row in unknown if new.setdefault(row.event_id, row) is not row]
        # In the order of the key, so that two sinks with the same events wait for each other in
        # one direction.
        rejected += _copy(cursor, table, [new[event_id] for event_id in sorted(new)])
        if rows:
            stored = _stored(cursor, table, rows)
    return rejected


def _stored(cursor: extensions.cursor, table: Table, rows: Sequence[Row]) -> set[str]:
    """Which event_ids of the rows the table has."""
    cursor.execute(_statement(_STORED, table), [list({row.event_id for row in rows})])
    return {event_id.replace("-", "") for (event_id,) in cursor.fetchall()}


def _copy(
    cursor: extensions.cursor, table: Table, rows: Sequence[Row], parts_of_rest: int = 1
) -> list[Rejected]:
    """Writes rows that are new in one statement, or in as few as leave out only those at fault."""
    if not rows:
        return []
    file = copy_file(row.data for row in rows)
    try:
        cursor.copy_expert(_statement(_COPY, table), file, size=COPY_BYTES)
    except psycopg2.Error as error:
        if classify(error) is not Failure.DATA:
            raise
        cursor.execute("ROLLBACK TO SAVEPOINT narrowing; RELEASE SAVEPOINT narrowing")
        if isinstance(error, errors.UniqueViolation) and (stored := _stored(cursor, table, rows)):
            return insert(cursor, table, rows, stored)
        if len(rows) == 1:
            reason = f"PostgreSQL refused it: {error.diag.message_primary}"
            return [Rejected(rows[0].origin, reason)]
        line = re.search(r"COPY \S+, line (\d+)", error.diag.context or "")
        suspect = int(line[1]) - 1 if line else 0
        if suspect >= len(rows):  # the end of what was copied
            suspect = 0
        rest = rows[suspect + 1 :]
        parts = [rows[:suspect], rows[suspect : suspect + 1]]
        parts += batched(rest, max(len(rest) // parts_of_rest, 1), strict=False)
        return [item for part in parts for item in _copy(cursor, table, part, NARROWING)]
    cursor.execute("RELEASE SAVEPOINT narrowing")
    return []


def _conflicts(cursor: extensions.cursor, table: Table, rows: Sequence[Row]) -> list[Rejected]:
    """The rows, all of a stored event_id, that have other content. An equal one is a duplicate."""
    if not rows:
        return []
    given = msgspec.json.encode([row.values for row in rows]).decode()
    cursor.execute(_statement(_CONFLICTS, table), [given])
    reason = "Conflict: the event_id is stored already, with other content"
    return [Rejected(rows[position - 1].origin, reason) for (position,) in cursor.fetchall()]


_STORED = "SELECT {first} FROM {table} WHERE {first} = ANY(%s::uuid[])"
_COPY = "SAVEPOINT narrowing; COPY {table} ({columns}) FROM STDIN (FORMAT binary)"
_CONFLICTS = """
    SELECT position
    FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS ({definitions}))
        WITH ORDINALITY AS given ({columns}, position)
    JOIN {table} AS stored USING ({first})
    WHERE ROW({given}) IS DISTINCT FROM ROW({stored})
"""
_QUARANTINE = """
    INSERT INTO {table} ({columns})
    SELECT {columns} FROM jsonb_to_recordset(%s::jsonb) AS given ({definitions})
    ON CONFLICT DO NOTHING
"""


def _statement(template: str, table: Table) -> sql.Composed:
    names = [sql.Identifier(name) for name in table.columns]
    given = [sql.Identifier("given", name) for name in table.columns if name not in table.derived]
    stored = [sql.Identifier("stored", name) for name in table.columns if name not in table.derived]
    return sql.SQL(template).format(
        table=sql.Identifier(table.name),
        columns=sql.SQL(", ").join(names),
        definitions=sql.SQL(", ").join(
            sql.SQL("{} {}").format(name, sql.SQL(type))
            for name, type in zip(names, table.columns.values(), strict=True)
        ),
        first=names[0],
        given=sql.SQL(", ").join(given),
        stored=sql.SQL(", ").join(stored),
    )
