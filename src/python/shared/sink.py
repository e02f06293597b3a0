"""The shell of a sink: Kinesis records in, rows and quarantine out, exactly once in effect.

What can go wrong is one of four, each handled in one place:

1. an event that cannot be a row: shared.batch finds it, or PostgreSQL does (insert): quarantine;
2. an event_id that is stored with other content (_conflicts): quarantine;
3. a database that fails for now (Database.transaction): tried again, then left to Lambda to send
   again from the first record that is not committed;
4. a deployment that cannot work (Database): Misconfiguration, and the batch stays in the stream.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import batched
from typing import Any

import msgspec
import psycopg2
from psycopg2 import extensions, sql

from shared.batch import Group, Rejected, Row
from shared.context import Context
from shared.database import Database, Failure, classify
from shared.errors import Misconfiguration, Unavailable
from shared.tables import QUARANTINE, Table

# A statement writes so many rows: more are hardly faster, and what PostgreSQL refuses for one row's
# sake costs the others a second write. It is taken apart in so many parts, until the row is out.
SET_ROWS = 128
NARROWING = 8

_logger = logging.getLogger(__name__)


def store(
    groups: Iterable[Group], context: Context, database: Database, table: Table
) -> dict[str, Any]:
    """Stores a batch and returns Lambda's batch response: the first record that is not committed.

    Raises Misconfiguration.
    """
    remaining = context.get_remaining_time_in_millis
    for group in groups:
        try:
            quarantined = database.transaction(partial(_write, table, group), remaining)
        except Unavailable as error:
            _logger.error("Not stored from record %s on: %s", group.sequence_number, error)
            return {"batchItemFailures": [{"itemIdentifier": group.sequence_number}]}
        taken = len(group.rows) + len(group.rejected)
        _logger.info("Committed %d events, %d of them to quarantine", taken, quarantined)
    return {"batchItemFailures": []}


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
            cursor.execute(_statement(_INSERT, QUARANTINE), [msgspec.json.encode(entries).decode()])
        except psycopg2.Error as error:
            if classify(error) is not Failure.DATA:
                raise
            # Without the error's detail, which would bring the event's content into the log.
            reason = error.diag.message_primary
            raise Misconfiguration(f"Quarantine refused what it must take: {reason}") from None
    return len(rejected)


def insert(cursor: extensions.cursor, table: Table, rows: Sequence[Row]) -> list[Rejected]:
    """Inserts the rows, all but those that are at fault; returns these."""
    sets = batched(rows, SET_ROWS, strict=False)
    return [item for part in sets for item in _narrow(cursor, table, part)]


def _narrow(cursor: extensions.cursor, table: Table, rows: Sequence[Row]) -> list[Rejected]:
    """Inserts the rows in one statement, or in as few as leave out only rows that are at fault."""
    payload = _array(rows)
    cursor.execute("SAVEPOINT narrowing")
    try:
        cursor.execute(_statement(_INSERT, table), [payload])
        inserted = cursor.rowcount
    except psycopg2.Error as error:
        if classify(error) is not Failure.DATA:
            raise
        cursor.execute("ROLLBACK TO SAVEPOINT narrowing")
        if len(rows) == 1:
            return [
                Rejected(rows[0].origin, f"PostgreSQL refused it: {error.diag.message_primary}")
            ]
        parts = batched(rows, -(-len(rows) // NARROWING), strict=False)
        return [item for part in parts for item in _narrow(cursor, table, part)]
    cursor.execute("RELEASE SAVEPOINT narrowing")
    return [] if inserted == len(rows) else _conflicts(cursor, table, rows)


def _conflicts(cursor: extensions.cursor, table: Table, rows: Sequence[Row]) -> list[Rejected]:
    """The rows whose event_id is stored with other content. An equal one is a duplicate."""
    # A statement of its own: it sees what others committed while the insert waited for them.
    cursor.execute(_statement(_CONFLICTS, table), [_array(rows)])
    reason = "Conflict: the event_id is stored already, with other content"
    return [Rejected(rows[position - 1].origin, reason) for (position,) in cursor.fetchall()]


def _array(rows: Sequence[Row]) -> str:
    return "[" + ",".join(row.data.decode() for row in rows) + "]"


# In the order of the key, so that two sinks with the same events wait for each other in one
# direction. The first of equal keys in a batch stays.
_INSERT = """
    INSERT INTO {table} ({columns})
    SELECT {columns}
    FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS ({definitions}))
        WITH ORDINALITY AS given ({columns}, position)
    ORDER BY {first}, position
    ON CONFLICT DO NOTHING
"""
_CONFLICTS = """
    SELECT position
    FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS ({definitions}))
        WITH ORDINALITY AS given ({columns}, position)
    JOIN {table} AS stored USING ({first})
    WHERE ROW({given}) IS DISTINCT FROM ROW({stored})
    ORDER BY position
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
