"""What redrive is asked for, and what the present code makes of a quarantined event."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from shared import invocation
from shared.batch import Origin, Rejected, Row, outcome
from shared.errors import InvalidRequest
from shared.events import ErrorEvent, LogEvent
from shared.rows import error_row, log_row
from shared.tables import ERRORS, LOGS, Table

Time = Annotated[datetime, msgspec.Meta(tz=True)]

TABLES: dict[str, Table] = {"logs": LOGS, "errors": ERRORS}


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The invocation's event: what is left out does not restrict."""

    kind: Literal["logs", "errors"]
    reason: str | None = None  # how it begins
    since: Time | None = None
    until: Time | None = None
    stream: str | None = None
    shard_id: str | None = None
    sequence_number: str | None = None
    event_index: int | None = None


def parse(event: object) -> Query:
    """The query; raises InvalidRequest."""
    query = invocation.parse(event, Query)
    texts = (query.reason, query.stream, query.shard_id, query.sequence_number)
    if not all(invocation.is_storable(text) for text in texts if text is not None):
        raise InvalidRequest("The event holds a character that PostgreSQL cannot")
    return query


def conditions(query: Query) -> tuple[list[str], dict[str, Any]]:
    """SQL conditions on quarantine, and their parameters."""
    every = {
        "kind": "kind = %(kind)s",
        "reason": "starts_with(reason, %(reason)s)",
        "since": "quarantined_at >= %(since)s",
        "until": "quarantined_at < %(until)s",
        "stream": "stream = %(stream)s",
        "shard_id": "shard_id = %(shard_id)s",
        "sequence_number": "sequence_number = %(sequence_number)s",
        "event_index": "event_index = %(event_index)s",
    }
    values = {name: getattr(query, name) for name in every if getattr(query, name) is not None}
    return [every[name] for name in values], values


def make(kind: str, origin: Origin) -> Row | Rejected:
    """The row that the present code makes of the event, or why there is still none."""
    if kind == "logs":
        return outcome(origin, LogEvent, log_row)
    return outcome(origin, ErrorEvent, error_row)
