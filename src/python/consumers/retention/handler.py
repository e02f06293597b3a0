"""Makes the partitions of the days to come and drops those that are no longer kept."""

import os
from datetime import UTC, datetime
from functools import partial
from typing import Any

from psycopg2 import extensions

from consumers.retention import core
from shared.context import Context
from shared.database import Database

_DELETED_AT_ONCE = 10_000  # rows in a transaction

_database = Database(os.environ)


def retention(event: object, context: Context) -> dict[str, Any]:
    """Takes any event; returns {"logs": {"added", "dropped": partitions, "deleted": rows}, ...}.

    Can be run again at any time. Raises Misconfiguration and Unavailable.
    """

    def call(function: str, *arguments: Any) -> Any:
        work = partial(_call, function, arguments)
        return _database.transaction(work, context.get_remaining_time_in_millis)

    report = {}
    now = datetime.now(UTC)
    for table, before in core.expiry(now).items():
        days = core.days_ahead(now)
        added = [name for day in days if (name := call("add_partition", table, day))]
        dropped = call("drop_partitions", table, before)
        deleted = 0
        while batch := call("delete_expired", table, before, _DELETED_AT_ONCE):
            deleted += batch
        report[table] = {"added": added, "dropped": dropped, "deleted": deleted}
    return report


def _call(function: str, arguments: tuple[Any, ...], cursor: extensions.cursor) -> Any:
    cursor.callproc(function, arguments)
    ((value,),) = cursor.fetchall()
    return value
