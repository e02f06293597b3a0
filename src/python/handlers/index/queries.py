"""The pages' queries: one or two for each page, none of which reads a whole table.

docs/pages.md shows their plans.
"""

from datetime import datetime, timedelta
from typing import Any

from psycopg2 import extensions, sql
from psycopg2.extras import RealDictCursor

from handlers.index import core

type Row = dict[str, Any]

# Of the records that an index finds, a search looks at so many at a time.
LOOKED_AT = 20_000
SHOWN_CHARACTERS = 4_000

# A fault is what has one fingerprint. Where errors were deleted, counts are below zero.
_FAULTS = """
    WITH counted AS (
        SELECT fingerprint, hour, sum(count) AS count, max(last_seen) AS last_seen,
            max(type) AS type, (array_agg(message ORDER BY last_seen DESC))[1] AS message,
            bool_or(strpos(lower(type || ' ' || message), lower(%(text)s)) > 0) AS has_text
        FROM error_counts WHERE {conditions} GROUP BY fingerprint, hour
    ), faults AS (
        SELECT fingerprint, sum(count) AS count, max(last_seen) AS last_seen, max(type) AS type,
            (array_agg(message ORDER BY hour DESC))[1] AS message,
            jsonb_object_agg(extract(epoch FROM hour)::bigint, count)
                FILTER (WHERE hour > %(day)s) AS hours
        FROM counted GROUP BY fingerprint HAVING sum(count) > 0 AND bool_or(has_text)
    )
    SELECT faults.*, first_seen, services,
        coalesce(%(snapshot)s, pg_current_snapshot()::text) AS snapshot
    FROM (
        SELECT * FROM faults WHERE {after} ORDER BY last_seen DESC, fingerprint DESC LIMIT %(limit)s
    ) AS faults, LATERAL (
        SELECT first_seen FROM error_counts WHERE fingerprint = faults.fingerprint
        ORDER BY hour, first_seen LIMIT 1
    ) AS first, LATERAL (
        SELECT array_agg(DISTINCT service) AS services FROM error_counts
        WHERE fingerprint = faults.fingerprint AND hour >= %(since)s
    ) AS sources
    ORDER BY last_seen DESC, fingerprint DESC
"""
_ERROR_SOURCES = """
    SELECT array_agg(DISTINCT service ORDER BY service) AS services,
        array_agg(DISTINCT environment ORDER BY environment) AS environments
    FROM error_counts WHERE hour >= %(since)s
"""
_FAULT = """
    SELECT max(type) AS type, sum(count) AS count, min(first_seen) AS first_seen,
        max(last_seen) AS last_seen, array_agg(DISTINCT service) AS services,
        array_agg(DISTINCT environment) AS environments,
        (SELECT jsonb_object_agg(hour, count) FROM (
            SELECT extract(epoch FROM hour)::bigint AS hour, sum(count) AS count FROM error_counts
            WHERE fingerprint = %(fingerprint)s AND hour > %(day)s GROUP BY 1
        ) AS hours) AS hours
    FROM error_counts WHERE fingerprint = %(fingerprint)s
"""
# Only of the first its whole content.
_EVENTS = """
    SELECT event_id, occurred_at, received_at, service, environment, type,
        left(message, %(characters)s) AS message,
        CASE WHEN position = 1 THEN stack::text END AS stack,
        CASE WHEN position = 1 THEN causes::text END AS causes,
        CASE WHEN position = 1 THEN attributes END AS attributes
    FROM (
        SELECT *, row_number() OVER (ORDER BY occurred_at DESC, event_id DESC) AS position FROM (
            SELECT * FROM errors WHERE fingerprint = %(fingerprint)s AND {conditions}
            ORDER BY occurred_at DESC, event_id DESC LIMIT %(limit)s
        ) AS newest
    ) AS numbered ORDER BY position
"""
_LOGS = """
    SELECT event_id, occurred_at, service, environment, level, message_length,
        left(message, %(characters)s) AS message,
        left(attributes::text, %(characters)s) AS attributes
    FROM (
        SELECT *, length(message) AS message_length FROM logs WHERE {indexed}
        ORDER BY occurred_at DESC, event_id DESC LIMIT %(looked_at)s
    ) AS looked_at
    WHERE {searched} ORDER BY occurred_at DESC, event_id DESC LIMIT %(limit)s
"""
# The services one after the other, each by a look into the index; and how far a search has come.
_LOG_SOURCES = """
    WITH RECURSIVE found AS (
        (SELECT service FROM logs ORDER BY service LIMIT 1)
        UNION ALL
        SELECT (SELECT service FROM logs WHERE service > found.service ORDER BY service LIMIT 1)
        FROM found WHERE found.service IS NOT NULL
    )
    SELECT (SELECT array_agg(service) FROM found WHERE service IS NOT NULL) AS services,
        (SELECT ARRAY[occurred_at::text, event_id::text] FROM logs WHERE {indexed}
            ORDER BY occurred_at DESC, event_id DESC OFFSET %(looked_at)s - 1 LIMIT 1) AS place
"""
_QUARANTINE = """
    SELECT quarantined_at, stream, shard_id, sequence_number, event_index, kind, reason,
        length(raw) AS size, substring(raw FOR %(characters)s) AS raw
    FROM quarantine WHERE {conditions}
    ORDER BY quarantined_at DESC, stream DESC, shard_id DESC, sequence_number DESC,
        event_index DESC
    LIMIT %(limit)s
"""
_MINUTES = """
    SELECT 'logs' AS kind, extract(epoch FROM date_trunc('minute', occurred_at))::bigint AS minute,
        count(*) FROM logs WHERE occurred_at >= %(since)s AND occurred_at < %(until)s GROUP BY 2
    UNION ALL
    SELECT 'errors', extract(epoch FROM date_trunc('minute', occurred_at))::bigint, count(*)
        FROM errors WHERE occurred_at >= %(since)s AND occurred_at < %(until)s GROUP BY 2
"""
_STATE = """
    SELECT (SELECT jsonb_object_agg(hour, count) FROM (
            SELECT extract(epoch FROM date_trunc('hour', quarantined_at, 'UTC'))::bigint AS hour,
                count(*) FROM quarantine WHERE quarantined_at > %(day)s GROUP BY 1
        ) AS hours) AS quarantined,
        (SELECT ARRAY[occurred_at, received_at] FROM logs WHERE occurred_at < %(until)s
            ORDER BY occurred_at DESC, event_id DESC LIMIT 1) AS logs,
        (SELECT ARRAY[occurred_at, received_at] FROM errors WHERE occurred_at < %(until)s
            ORDER BY occurred_at DESC, event_id DESC LIMIT 1) AS errors
"""


def faults(cursor: extensions.cursor, query: core.FaultsQuery) -> tuple[list[Row], Row]:
    """The faults, one more than a page has if there are more; and what they can be filtered by."""
    conditions, values = ["hour >= %(since)s"], _values(query.since, query.moment)
    for name in ("service", "environment"):
        if (value := getattr(query, name)) is not None:
            conditions.append(f"{name} = %({name})s")
            values[name] = value
    after = "TRUE"
    if query.after is not None:
        conditions.append(
            "(added_by IS NULL OR pg_visible_in_snapshot(added_by, %(snapshot)s::pg_snapshot))"
        )
        after = "(last_seen, fingerprint) < (%(last_seen)s, %(fingerprint)s)"
        values["last_seen"] = query.after.last_seen
        values["fingerprint"] = query.after.fingerprint
    values["snapshot"] = query.after and query.after.snapshot
    values["text"] = query.text or ""
    values["limit"] = core.FAULTS + 1
    rows = _rows(cursor, _FAULTS, values, conditions=conditions, after=[after])
    return rows, _rows(cursor, _ERROR_SOURCES, values)[0]


def fault(
    cursor: extensions.cursor, fingerprint: str, start: core.Place | None, now: datetime
) -> tuple[Row, list[Row]]:
    """A fault, and its errors from a place on, one more than a page has if there are more."""
    values = {**_values(now, now), "fingerprint": fingerprint, "limit": core.EVENTS + 1}
    conditions = ["TRUE"]
    if start is not None:
        conditions.append("(occurred_at, event_id) <= (%(occurred_at)s, %(event_id)s)")
        values |= {"occurred_at": start.moment, "event_id": str(start.event_id)}
    summary = _rows(cursor, _FAULT, values)[0]
    return summary, _rows(cursor, _EVENTS, values, conditions=conditions)


def logs(cursor: extensions.cursor, query: core.LogsQuery) -> tuple[list[Row], Row]:
    """The records, one more than a page has if there are more; and services, and the place that the
    search came to if it ended before it had a page."""
    indexed, searched = ["TRUE"], ["TRUE"]
    values: Row = {"looked_at": LOOKED_AT, "limit": core.LOGS + 1, "characters": SHOWN_CHARACTERS}
    if query.until is not None:
        indexed.append("occurred_at <= %(until)s")
        values["until"] = query.until
    if query.after is not None:
        indexed.append("(occurred_at, event_id) < (%(occurred_at)s, %(event_id)s)")
        values |= {"occurred_at": query.after.moment, "event_id": str(query.after.event_id)}
    # What one index finds in order is not limited by what it passes over on the way.
    severe = query.level in core.SEVERE
    if severe:
        indexed.append("level IN %(severe)s")
        values["severe"] = core.SEVERE
    if query.level is not None and query.levels != core.SEVERE:
        searched.append("level IN %(levels)s")
        values["levels"] = query.levels
    if query.service is not None:
        (searched if severe else indexed).append("service = %(service)s")
        values["service"] = query.service
    if query.text is not None:
        searched.append("strpos(lower(message), lower(%(text)s)) > 0")
        values["text"] = query.text
    rows = _rows(cursor, _LOGS, values, indexed=indexed, searched=searched)
    is_searching = len(searched) > 1 and len(rows) < values["limit"]
    if not is_searching:
        indexed = ["FALSE"]
    return rows, _rows(cursor, _LOG_SOURCES, values, indexed=indexed)[0]


def quarantine(cursor: extensions.cursor, after: core.EntryPlace | None) -> list[Row]:
    """The entries, newest first, one more than a page has if there are more."""
    values: Row = {"limit": core.ENTRIES + 1, "characters": SHOWN_CHARACTERS}
    condition = "TRUE"
    if after is not None:
        condition = (
            "(quarantined_at, stream, shard_id, sequence_number, event_index) < (%(moment)s,"
            " %(stream)s, %(shard_id)s, %(sequence_number)s, %(event_index)s)"
        )
        values |= {
            "moment": after.moment,
            "stream": after.stream,
            "shard_id": after.shard_id,
            "sequence_number": after.sequence_number,
            "event_index": after.event_index,
        }
    return _rows(cursor, _QUARANTINE, values, conditions=[condition])


def pipeline(cursor: extensions.cursor, now: datetime) -> tuple[list[Row], Row]:
    """Events of each minute of the last half hour; and the newest rows and quarantine's growth."""
    # A client's clock may be ahead; of one that is years ahead its events are not the newest.
    values = {**_values(now - timedelta(minutes=30), now), "until": now + timedelta(minutes=1)}
    return _rows(cursor, _MINUTES, values), _rows(cursor, _STATE, values)[0]


def _values(since: datetime, moment: datetime) -> Row:
    day = moment.replace(minute=0, second=0, microsecond=0) - timedelta(hours=24)
    return {"since": since, "day": day, "characters": SHOWN_CHARACTERS}


def _rows(cursor: extensions.cursor, statement: str, values: Row, **parts: list[str]) -> list[Row]:
    """Runs a statement; its parts are conditions of this module, with parameters of their own."""
    conditions = {name: sql.SQL(" AND ").join(map(sql.SQL, part)) for name, part in parts.items()}
    with cursor.connection.cursor(cursor_factory=RealDictCursor) as rows:
        rows.execute(sql.SQL(statement).format(**conditions), values)
        return [dict(row) for row in rows.fetchall()]
