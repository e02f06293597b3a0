"""Reads a table, newest first, a page at a time."""

import os
from functools import partial
from typing import Any

import psycopg2
from psycopg2 import extensions, sql
from psycopg2.extras import RealDictCursor

from consumers.read_table import core
from shared.context import Context
from shared.database import Database
from shared.errors import InvalidRequest
from shared.tables import Table

# Few enough that rows of the largest size fit the function's memory together.
_FETCH_ROWS = 20

_database = Database(os.environ)


def read_table(event: object, context: Context) -> dict[str, Any]:
    """Takes a core.Query; returns {"rows", "cursor"}, the cursor null when there are no more rows.

    Raises InvalidRequest, Misconfiguration and Unavailable.
    """
    query, table = core.parse(event)
    after = None if query.cursor is None else core.decode_cursor(table, query.cursor)
    read = partial(_read, query, table, after)
    try:
        return _database.transaction(read, context.get_remaining_time_in_millis)
    except psycopg2.DataError:
        raise InvalidRequest("cursor must be what an earlier answer gave") from None


def _read(
    query: core.Query, table: Table, after: list[Any] | None, cursor: extensions.cursor
) -> dict[str, Any]:
    time = sql.Identifier(table.time)
    key = sql.SQL(", ").join(map(sql.Identifier, table.key))
    conditions: list[sql.Composable] = [sql.SQL("TRUE")]
    values: list[Any] = []
    for name in table.filters:
        if (value := getattr(query, name)) is not None:
            conditions.append(sql.SQL("{} = %s").format(sql.Identifier(name)))
            values.append(value)
    for operator, moment in ((">=", query.since), ("<", query.until)):
        if moment is not None:
            conditions.append(sql.SQL("{} {} %s").format(time, sql.SQL(operator)))
            values.append(moment)
    if after is not None:
        conditions.append(sql.SQL("({}) < %s").format(key))
        values.append(tuple(after))
    statement = sql.SQL(
        "SELECT * FROM {table} WHERE {conditions} ORDER BY {order} LIMIT %s"
    ).format(
        table=sql.Identifier(table.name),
        conditions=sql.SQL(" AND ").join(conditions),
        order=sql.SQL(", ").join(sql.SQL("{} DESC").format(sql.Identifier(c)) for c in table.key),
    )
    with cursor.connection.cursor("page", RealDictCursor) as rows:
        rows.itersize = _FETCH_ROWS
        rows.execute(statement, [*values, query.limit + 1])
        return core.page(rows, table, query.limit, core.MAXIMUM_ROWS_BYTES)
