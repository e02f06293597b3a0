"""Runs what is in quarantine through the present code, and moves what now passes to its table.

Batches that Lambda has discarded are read again from their stream and stored as a sink does.
"""

import os
from functools import partial
from typing import Any

from psycopg2 import extensions, sql
from psycopg2.extras import execute_values

from consumers.redrive import core, discarded_records
from shared import sink
from shared.batch import Origin, Rejected, Row
from shared.context import Context
from shared.database import Database
from shared.errors import Unavailable

_ENTRIES = 200  # in a transaction; an entry has 1 MB at most

_POSITION = ("stream", "shard_id", "sequence_number", "event_index")

_database = Database(os.environ)


def redrive(event: object, context: Context) -> dict[str, int]:
    """Takes a core.Query, or documents of an on-failure destination: one, a list, or SQS's batch.

    Returns {"stored", "kept"}: how many entries left quarantine, and how many did not; or {"read",
    "missing"}: how many records were read again and are committed now, to their table or to
    quarantine, and how many the stream no longer has. Can be run again, and ends early only with an
    exception, after which what it stored is stored. Raises InvalidRequest, Misconfiguration and
    Unavailable.
    """
    request = core.parse(event)
    if isinstance(request, core.Query):
        return _redrive_quarantine(request, context)
    return _redrive_batches(request, context)


def _redrive_batches(batches: list[core.DiscardedBatch], context: Context) -> dict[str, int]:
    read = missing = 0
    for batch in batches:
        table = core.TABLES[batch.kind]
        records = discarded_records.read(batch)
        groups = core.groups(batch.kind, {"Records": records})
        if sink.store(groups, context, _database, table)["batchItemFailures"]:
            raise Unavailable("Not all records could be stored in the time there was")
        read += len(records)
        missing += max(batch.batch_size - len(records), 0)
    return {"read": read, "missing": missing}


def _redrive_quarantine(query: core.Query, context: Context) -> dict[str, int]:
    """An entry that is kept has the present reason.

    Entries of a record that nothing could be read of are tried as one event.
    """
    stored = kept = 0
    after: tuple[Any, ...] = ("", "", "", -1)
    while True:
        page = _database.transaction(
            partial(_page, query, after), context.get_remaining_time_in_millis
        )
        if page is None:
            return {"stored": stored, "kept": kept}
        after, page_stored, page_kept = page
        stored, kept = stored + page_stored, kept + page_kept


def _page(
    query: core.Query, after: tuple[Any, ...], cursor: extensions.cursor
) -> tuple[tuple[Any, ...], int, int] | None:
    """Redrives the entries after a position; returns the last one's, and what came of them."""
    conditions, values = core.conditions(query)
    cursor.execute(
        sql.SQL(
            "SELECT stream, shard_id, sequence_number, event_index, raw FROM quarantine"
            " WHERE (stream, shard_id, sequence_number, event_index) > %(after)s AND {}"
            " ORDER BY stream, shard_id, sequence_number, event_index"
            " LIMIT %(entries)s FOR UPDATE"
        ).format(sql.SQL(" AND ").join(map(sql.SQL, conditions))),
        {**values, "after": after, "entries": _ENTRIES},
    )
    origins = [
        Origin(stream, shard_id, number, index, bytes(raw))
        for stream, shard_id, number, index, raw in cursor.fetchall()
    ]
    if not origins:
        return None
    made = [core.make(query.kind, origin) for origin in origins]
    rows = [outcome for outcome in made if isinstance(outcome, Row)]
    rejected = [outcome for outcome in made if isinstance(outcome, Rejected)]
    rejected += sink.insert(cursor, core.TABLES[query.kind], rows)
    reasons = {_position(item.origin): item.reason for item in rejected}
    passed = [key for origin in origins if (key := _position(origin)) not in reasons]
    matches = sql.SQL(" AND ").join(
        sql.SQL("quarantine.{0} = given.{0}").format(sql.Identifier(name)) for name in _POSITION
    )
    columns = sql.SQL(", ").join(map(sql.Identifier, _POSITION))
    if passed:
        statement = sql.SQL("DELETE FROM quarantine USING (VALUES %s) AS given ({}) WHERE {}")
        execute_values(cursor, statement.format(columns, matches), passed)
    if reasons:
        statement = sql.SQL(
            "UPDATE quarantine SET reason = given.reason FROM (VALUES %s) AS given ({}, reason)"
            " WHERE {}"
        )
        entries = [(*key, reason) for key, reason in reasons.items()]
        execute_values(cursor, statement.format(columns, matches), entries)
    return _position(origins[-1]), len(passed), len(reasons)


def _position(origin: Origin) -> tuple[Any, ...]:
    return origin.stream, origin.shard_id, origin.sequence_number, origin.event_index
