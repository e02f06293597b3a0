"""Sentry's envelopes: one line of headers, then items, each with a line of headers of its own.

Source: "Envelopes", Sentry developer documentation.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec


class InvalidEnvelope(Exception):
    """A body that is not an envelope; the message says why."""


class Header(msgspec.Struct, frozen=True):
    """An envelope's headers, as far as they are used."""

    event_id: str | None = None
    dsn: str | None = None


class ItemHeader(msgspec.Struct, frozen=True):
    """An item's headers, as far as they are used; length is that of the payload in bytes."""

    type: str
    length: Annotated[int, msgspec.Meta(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item's type and its payload."""

    type: str
    payload: bytes


_header = msgspec.json.Decoder(Header)
_item_header = msgspec.json.Decoder(ItemHeader)


def header(body: bytes) -> Header:
    """The headers of an envelope; raises InvalidEnvelope."""
    return _decoded(_header, body.partition(b"\n")[0], "The envelope's headers")


def items(body: bytes) -> list[Item]:
    """The items of an envelope, which may be none; raises InvalidEnvelope."""
    found: list[Item] = []
    place = _line_end(body, 0) + 1
    while place < len(body):
        end = _line_end(body, place)
        if place == end:  # an empty line, as at the end of an envelope
            place += 1
            continue
        name = f"The headers of item {len(found)}"
        headers = _decoded(_item_header, body[place:end], name)
        start = end + 1
        if headers.length is None:
            stop = _line_end(body, start)
        else:
            stop = start + headers.length
            if stop > max(len(body), start):
                raise InvalidEnvelope(f"Item {len(found)} ends before its length")
            if body[stop : stop + 1] not in (b"", b"\n"):
                raise InvalidEnvelope(f"Item {len(found)} goes on after its length")
        found.append(Item(headers.type, body[start:stop]))
        place = stop + 1
    return found


def _line_end(body: bytes, start: int) -> int:
    end = body.find(b"\n", start)
    return len(body) if end == -1 else end


def _decoded[T](decoder: msgspec.json.Decoder[T], line: bytes, name: str) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEnvelope(f"{name} cannot be read: {error}") from None
    except RecursionError:
        raise InvalidEnvelope(f"{name} are nested too deep") from None
