"""The schemas of events: of what a client sends, and of what a stream holds."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
MAXIMUM_NESTING = 64

NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]


class Event(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What every event has. A client may leave event_id and occurred_at to the producer."""

    event_id: UUID | None = None
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    service: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    environment: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    partition_key: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    attributes: dict[str, Any] = {}


class LogEvent(Event, kw_only=True, frozen=True):
    """One log record."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    message: str


class Frame(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One call in a stack; in_application is None when the client left the judgement to us."""

    file: str
    function: str
    line: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] | None = None
    module: str | None = None
    in_application: bool | None = None
    code: str | None = None


class Cause(
    msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An exception that led to the reported one."""

    type: NonEmpty
    message: str
    stack: list[Frame] = []


class ErrorEvent(Event, kw_only=True, frozen=True):
    """One exception: stack outermost frame first, like a traceback; causes nearest first."""

    type: NonEmpty
    message: str
    stack: list[Frame] = []
    causes: list[Cause] = []


class InvalidEvent(Exception):
    """An event that cannot be taken: the field at fault (None: the whole) and the reason."""

    def __init__(self, field: str | None, reason: str) -> None:
        # A client chooses the names of fields: they are shown, but neither at length nor with NULs,
        # which quarantine could not store.
        self.field = _shown(field) if field else None
        self.reason = _shown(reason)
        super().__init__(f"{self.field}: {self.reason}" if self.field else self.reason)


def decode[E: Event](document: bytes, kind: type[E]) -> E:
    """The event that a JSON document in UTF-8 holds, its time in UTC; raises InvalidEvent."""
    try:
        event: E = _decoder(kind).decode(document)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except msgspec.DecodeError as error:
        if re.search(rb"\\u[dD][89a-fA-F]", document):
            raise InvalidEvent(None, "Not valid JSON: perhaps a lone surrogate") from None
        raise InvalidEvent(None, f"Not valid JSON: {error}") from None
    except UnicodeDecodeError:
        raise InvalidEvent(None, "Not valid UTF-8") from None
    except RecursionError:
        raise InvalidEvent(None, f"Nested deeper than {MAXIMUM_NESTING} levels") from None
    # Cheap scans spare nearly every event the walks through all it holds.
    may_be_deep = document.count(b"{") + document.count(b"[") > MAXIMUM_NESTING
    if may_be_deep and _depth(event.attributes, MAXIMUM_NESTING) > MAXIMUM_NESTING:
        raise InvalidEvent("attributes", f"Nested deeper than {MAXIMUM_NESTING} levels")
    may_hold_nul = b"\\u0000" in document
    if may_hold_nul and (path := _nul(msgspec.to_builtins(event), "")) is not None:
        raise InvalidEvent(path, "Holds a NUL character, which PostgreSQL text cannot")
    if event.occurred_at is None:
        return event
    if not EARLIEST <= event.occurred_at < LATEST:
        raise InvalidEvent("occurred_at", f"Not from {EARLIEST:%Y} to before {LATEST:%Y}")
    if event.occurred_at.tzinfo is UTC:
        return event
    in_utc: E = msgspec.structs.replace(event, occurred_at=event.occurred_at.astimezone(UTC))
    return in_utc


def _shown(text: str) -> str:
    return text.replace("\0", "\\0")[:200]


@cache
def _decoder[E: Event](kind: type[E]) -> msgspec.json.Decoder[E]:
    return msgspec.json.Decoder(kind)


def _invalid(message: str) -> InvalidEvent:
    """msgspec names the place in its message only: "... - at `$.field`", or "... field `name`"."""
    reason, _, path = message.partition(" - at `$")
    named = re.search(r"field `(.*)`$", reason)
    parts = [path.rstrip("`").lstrip("."), named[1] if named else ""]
    return InvalidEvent(".".join(filter(None, parts)) or None, reason)


def _nul(value: object, path: str) -> str | None:
    """The path to the first string that holds a NUL character."""
    if isinstance(value, str):
        return path if "\0" in value else None
    if isinstance(value, dict):
        if any("\0" in key for key in value):
            return path
        places = ((f"{path}.{key}" if path else key, item) for key, item in value.items())
    elif isinstance(value, list):
        places = ((f"{path}[{index}]", item) for index, item in enumerate(value))
    else:
        return None
    return next((found for place, item in places if (found := _nul(item, place))), None)


def _depth(value: object, limit: int) -> int:
    """How deep containers are nested, counted to just past the limit."""
    if limit < 0 or not isinstance(value, dict | list):
        return 0
    items = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(item, limit - 1) for item in items), default=0)
