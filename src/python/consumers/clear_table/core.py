"""What clear_table is asked to delete."""

from datetime import datetime
from typing import Annotated

import msgspec

from shared import invocation
from shared.errors import InvalidRequest
from shared.tables import Table


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The invocation's event."""

    table: str
    confirm: str
    before: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


def parse(event: object) -> tuple[Table, datetime | None]:
    """The table to clear, and the time before which; raises InvalidRequest."""
    request = invocation.parse(event, Request)
    table = invocation.table(request.table)
    if request.confirm != request.table:
        raise InvalidRequest(f'To clear {table.name}, repeat its name: "confirm": "{table.name}"')
    return table, request.before
