"""What a request for a page asks for, and how a page's links ask for the next."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from shared.http_api import Refused
from shared.invocation import is_storable

FAULTS = 25  # on a page
EVENTS = 25
LOGS = 100
ENTRIES = 20

# Those of days begin with a day, in UTC: of what is days old there are only counts of whole days.
PERIODS = {
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
    "90d": ("Last 90 days", timedelta(days=90)),
}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SEVERE = LEVELS[2:]  # of these there is an index

_SNAPSHOT = re.compile(r"\d{1,20}:\d{1,20}:(\d{1,20}(,\d{1,20})*)?")
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class FaultsPlace:
    """Where a page of faults begins: after a fault, in the order of the first page's moment."""

    snapshot: str
    moment: datetime
    last_seen: datetime
    fingerprint: str


@dataclass(frozen=True, slots=True)
class FaultsQuery:
    """Which faults are asked for, seen since a time."""

    since: datetime
    moment: datetime
    service: str | None
    environment: str | None
    text: str | None
    after: FaultsPlace | None


@dataclass(frozen=True, slots=True)
class Place:
    """An event's place in its table's order."""

    moment: datetime
    event_id: UUID


@dataclass(frozen=True, slots=True)
class LogsQuery:
    """Which log records are asked for: before a time, with at least a level."""

    level: str | None
    service: str | None
    text: str | None
    until: datetime | None
    after: Place | None

    @property
    def levels(self) -> tuple[str, ...]:
        """All levels that are asked for."""
        return LEVELS[LEVELS.index(self.level) :] if self.level else LEVELS


@dataclass(frozen=True, slots=True)
class EntryPlace:
    """Where a page of quarantine begins: after an entry."""

    moment: datetime
    stream: str
    shard_id: str
    sequence_number: str
    event_index: int


def faults_query(fields: dict[str, str], now: datetime) -> FaultsQuery:
    """The faults that a query asks for; raises Refused."""
    period = _choice(fields, "period", tuple(PERIODS)) or "24h"
    after = None
    if parts := _parts(fields, "after", 4):
        snapshot, moment, last_seen, fingerprint = parts
        if not _SNAPSHOT.fullmatch(snapshot):
            raise _refused("after")
        place = _moment(moment, "after"), _moment(last_seen, "after")
        after = FaultsPlace(snapshot, *place, parse_fingerprint(fingerprint))
    moment_of_first = after.moment if after else now
    return FaultsQuery(
        since=_since(moment_of_first, PERIODS[period][1]),
        moment=moment_of_first,
        service=_text(fields, "service"),
        environment=_text(fields, "environment"),
        text=_text(fields, "text"),
        after=after,
    )


def _since(moment: datetime, length: timedelta) -> datetime:
    start = moment - length
    if length > timedelta(days=1):
        start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return start


def parse_fingerprint(text: str) -> str:
    """The fingerprint in an address; raises Refused where there can be none."""
    if not _FINGERPRINT.fullmatch(text):
        raise Refused(HTTPStatus.NOT_FOUND, "There is no such page.")
    return text


def place(fields: dict[str, str], name: str) -> Place | None:
    """The place that a field holds; raises Refused."""
    if not (parts := _parts(fields, name, 2)):
        return None
    try:
        return Place(_moment(parts[0], name), UUID(parts[1]))
    except ValueError:
        raise _refused(name) from None


def logs_query(fields: dict[str, str]) -> LogsQuery:
    """The log records that a query asks for; raises Refused."""
    until = fields.get("until")
    return LogsQuery(
        level=_choice(fields, "level", LEVELS),
        service=_text(fields, "service"),
        text=_text(fields, "text"),
        until=_moment(until, "until") if until else None,
        after=place(fields, "after"),
    )


def entry_place(fields: dict[str, str]) -> EntryPlace | None:
    """Where a page of quarantine begins; raises Refused."""
    if not (parts := _parts(fields, "after", 5)):
        return None
    moment, stream, shard_id, sequence_number, event_index = parts
    if not event_index.isdecimal() or len(event_index) > 9:
        raise _refused("after")
    return EntryPlace(_moment(moment, "after"), stream, shard_id, sequence_number, int(event_index))


def joined(*parts: Any) -> str:
    """A place as a field of a query holds it."""
    return "~".join(
        part.astimezone(UTC).isoformat() if isinstance(part, datetime) else str(part)
        for part in parts
    )


def link(path: str, fields: dict[str, str], **changed: str | None) -> str:
    """The address of a page with these fields, some of them changed, or left out where None."""
    kept = {name: value for name, value in {**fields, **changed}.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def _parts(fields: dict[str, str], name: str, count: int) -> list[str]:
    value = fields.get(name)
    if value is None:
        return []
    parts = value.split("~")
    if len(parts) != count or not is_storable(value):
        raise _refused(name)
    return parts


def _text(fields: dict[str, str], name: str) -> str | None:
    value = fields.get(name, "").strip()
    if len(value) > 200 or not is_storable(value):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name} must be up to 200 characters of text.")
    return value or None


def _choice(fields: dict[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    value = fields.get(name)
    if value is not None and value not in choices:
        raise Refused(HTTPStatus.BAD_REQUEST, f"{name} must be one of {', '.join(choices)}.")
    return value


def _moment(text: str, name: str) -> datetime:
    """A time, in UTC where it has no offset: an input of type datetime-local has none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _refused(name) from None


def _refused(name: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, f"{name} must be what a link of these pages holds.")
