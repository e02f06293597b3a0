"""Merges the rows that sinks have added to error_counts: one for each fault and hour stays, and one
for each fault and day of those that are days old."""

import os

from psycopg2 import extensions

from consumers.merge_error_counts import core
from shared.context import Context
from shared.database import Database

# A second one at the same time finds the rows gone and leaves two rows for an hour or a day, which
# count the same as one.
_MERGE = """
    WITH parts AS (
        SELECT fingerprint, hour, hour < date_trunc('day', now(), 'UTC') - %(in_hours)s AS is_old
        FROM error_counts
        WHERE (added_by IS NOT NULL AND added_at < now() - %(unmerged)s)
            OR (added_by IS NULL AND extract(hour FROM hour AT TIME ZONE 'UTC') <> 0
                AND hour < date_trunc('day', now(), 'UTC') - %(in_hours)s)
    ), due AS (
        SELECT DISTINCT fingerprint,
            CASE WHEN is_old THEN date_trunc('day', hour, 'UTC') ELSE hour END AS start,
            CASE WHEN is_old THEN interval '1 day' ELSE interval '1 hour' END AS length
        FROM parts LIMIT %(rows)s
    ), taken AS (
        DELETE FROM error_counts USING due
        WHERE error_counts.fingerprint = due.fingerprint
            AND error_counts.hour >= due.start AND error_counts.hour < due.start + due.length
            AND (added_by IS NULL OR added_at < now() - %(unmerged)s)
        RETURNING error_counts.*, due.start
    ), merged AS (
        INSERT INTO error_counts (fingerprint, service, environment, hour, count,
            first_seen, last_seen, type, message, added_at, added_by)
        SELECT fingerprint, service, environment, start, sum(count), min(first_seen),
            max(last_seen), min(type), (array_agg(message ORDER BY last_seen DESC))[1],
            max(added_at), NULL
        FROM taken GROUP BY fingerprint, service, environment, start HAVING sum(count) <> 0
    )
    SELECT count(*) FROM due
"""

_database = Database(os.environ)


def merge_error_counts(event: object, context: Context) -> dict[str, int]:
    """Takes any event; returns {"merged": how many faults' hours and days}.

    Can be run again at any time. Raises Misconfiguration and Unavailable.
    """
    merged: list[int] = []
    while not merged or merged[-1] == core.ROWS:
        merged.append(_database.transaction(_merge, context.get_remaining_time_in_millis))
    return core.report(merged)


def _merge(cursor: extensions.cursor) -> int:
    values = {"unmerged": core.UNMERGED, "in_hours": core.DAYS_IN_HOURS, "rows": core.ROWS}
    cursor.execute(_MERGE, values)
    ((merged,),) = cursor.fetchall()
    return int(merged)
