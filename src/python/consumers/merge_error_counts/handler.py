"""Merges the rows that sinks have added to error_counts: one for each fault and hour stays."""

import os

from psycopg2 import extensions

from consumers.merge_error_counts import core
from shared.context import Context
from shared.database import Database

# A second one at the same time finds the rows gone and leaves two rows for an hour, which count the
# same as one.
_MERGE = """
    WITH due AS (
        SELECT DISTINCT fingerprint, hour FROM error_counts
        WHERE added_by IS NOT NULL AND added_at < now() - %(unmerged)s LIMIT %(hours)s
    ), taken AS (
        DELETE FROM error_counts USING due
        WHERE error_counts.fingerprint = due.fingerprint AND error_counts.hour = due.hour
            AND (added_by IS NULL OR added_at < now() - %(unmerged)s)
        RETURNING error_counts.*
    ), merged AS (
        INSERT INTO error_counts (fingerprint, service, environment, hour, count,
            first_seen, last_seen, type, message, added_at, added_by)
        SELECT fingerprint, service, environment, hour, sum(count), min(first_seen),
            max(last_seen), min(type), (array_agg(message ORDER BY last_seen DESC))[1],
            max(added_at), NULL
        FROM taken GROUP BY fingerprint, service, environment, hour HAVING sum(count) <> 0
    )
    SELECT count(*) FROM due
"""

_database = Database(os.environ)


def merge_error_counts(event: object, context: Context) -> dict[str, int]:
    """Takes any event; returns {"merged": how many faults' hours}.

    Can be run again at any time. Raises Misconfiguration and Unavailable.
    """
    merged: list[int] = []
    while not merged or merged[-1] == core.FAULT_HOURS:
        merged.append(_database.transaction(_merge, context.get_remaining_time_in_millis))
    return core.report(merged)


def _merge(cursor: extensions.cursor) -> int:
    cursor.execute(_MERGE, {"unmerged": core.UNMERGED, "hours": core.FAULT_HOURS})
    ((hours,),) = cursor.fetchall()
    return int(hours)
