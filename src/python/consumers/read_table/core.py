"""What read_table is asked for, and how much of it one answer holds."""

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from shared import invocation
from shared.errors import InvalidRequest
from shared.tables import Table

# Lambda's limit for a synchronous response is 6 MB; the rest is for what is around the rows.
MAXIMUM_ROWS_BYTES = 6 * 1024 * 1024 - 16 * 1024
MAXIMUM_ROWS = 1000

Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The invocation's event."""

    table: str
    service: str | None = None
    level: str | None = None
    type: str | None = None
    since: Time | None = None
    until: Time | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAXIMUM_ROWS)] = 100
    cursor: str | None = None


def parse(event: object) -> tuple[Query, Table]:
    """The query and the table it is for; raises InvalidRequest."""
    query = invocation.parse(event, Query)
    table = invocation.table(query.table)
    for name in ("service", "level", "type"):
        value = getattr(query, name)
        if value is None:
            continue
        if name not in table.filters:
            allowed = ", ".join(table.filters) or "time alone"
            raise InvalidRequest(f"{table.name} cannot be read by {name}, but by {allowed}")
        if not invocation.is_storable(value):
            raise InvalidRequest(f"{name} holds a character that no event can hold")
    return query, table


def page(
    rows: Iterable[Mapping[str, Any]], table: Table, limit: int, maximum_bytes: int
) -> dict[str, Any]:
    """The first rows, as many as the limits allow, and the cursor to the next if there are more.

    Takes no more from `rows` than it must.
    """
    taken: list[Any] = []
    size = 0
    for row in rows:
        plain = msgspec.to_builtins(row)
        size += len(json.dumps(plain)) + 2
        if taken and (len(taken) == limit or size > maximum_bytes):
            return {"rows": taken, "cursor": encode_cursor(table, taken[-1])}
        taken.append(plain)
    return {"rows": taken, "cursor": None}


def encode_cursor(table: Table, row: Mapping[str, Any]) -> str:
    """The place of a row in its table's order."""
    place = [table.name, *(row[column] for column in table.key)]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def decode_cursor(table: Table, cursor: str) -> list[Any]:
    """The values of the table's key at a place; raises InvalidRequest."""
    kinds = [int if table.columns.get(column) == "integer" else str for column in table.key]
    try:
        place: list[Any] = json.loads(base64.urlsafe_b64decode(cursor))
        name, *values = place
    except (ValueError, TypeError, RecursionError):
        name, values = None, []
    storable = all(invocation.is_storable(str(value)) for value in values)
    if name != table.name or [type(value) for value in values] != kinds or not storable:
        raise InvalidRequest("cursor must be what an earlier answer for the same table gave")
    return values
