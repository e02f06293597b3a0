"""The events of functions that are invoked by hand."""

import msgspec

from shared.errors import InvalidRequest
from shared.tables import TABLES, Table


def parse[T](event: object, kind: type[T]) -> T:
    """The event as a Struct; raises InvalidRequest, which names what is wrong."""
    try:
        return msgspec.convert(event, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from None


def table(name: str) -> Table:
    """The table of that name; raises InvalidRequest."""
    if name not in TABLES:
        raise InvalidRequest(f"table must be one of {', '.join(TABLES)}")
    return TABLES[name]


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold a text: neither a NUL character nor a lone surrogate is in it."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
