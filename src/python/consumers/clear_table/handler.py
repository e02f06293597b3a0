"""Deletes the rows of a table, or those before a time."""

import os
from datetime import datetime
from functools import partial

from psycopg2 import extensions, sql

from consumers.clear_table import core
from shared.context import Context
from shared.database import Database
from shared.tables import Table

_database = Database(os.environ)


def clear_table(event: object, context: Context) -> dict[str, int]:
    """Takes {"table", "confirm": the same name, "before": optional RFC 3339}; returns {"deleted"}.

    Raises InvalidRequest, Misconfiguration and Unavailable.
    """
    table, before = core.parse(event)
    remaining = context.get_remaining_time_in_millis
    return {"deleted": _database.transaction(partial(_delete, table, before), remaining)}


def _delete(table: Table, before: datetime | None, cursor: extensions.cursor) -> int:
    statement = sql.SQL("DELETE FROM {} WHERE %(before)s IS NULL OR {} < %(before)s").format(
        sql.Identifier(table.name), sql.Identifier(table.time)
    )
    cursor.execute(statement, {"before": before})
    return cursor.rowcount
