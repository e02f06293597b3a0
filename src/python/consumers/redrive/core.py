"""What redrive is asked for, and what the present code makes of it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from shared import batch, invocation
from shared.batch import Group, Origin, Rejected, Row, outcome
from shared.copy_format import row_encoder
from shared.errors import InvalidRequest
from shared.events import ErrorEvent, LogEvent
from shared.rows import error_row, log_row
from shared.tables import ERRORS, LOGS, Table

Time = Annotated[datetime, msgspec.Meta(tz=True)]

TABLES: dict[str, Table] = {"logs": LOGS, "errors": ERRORS}

_encode_log = row_encoder(LOGS.columns)
_encode_error = row_encoder(ERRORS.columns)


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entries of quarantine: what is left out does not restrict."""

    kind: Literal["logs", "errors"]
    reason: str | None = None  # how it begins
    since: Time | None = None
    until: Time | None = None
    stream: str | None = None
    shard_id: str | None = None
    sequence_number: str | None = None
    event_index: int | None = None


class DiscardedBatch(msgspec.Struct, frozen=True, rename="camel"):
    """Where in a stream the records of a batch are that Lambda has given up."""

    shard_id: str
    start_sequence_number: Annotated[str, msgspec.Meta(pattern=r"^\d+$")]
    end_sequence_number: Annotated[str, msgspec.Meta(pattern=r"^\d+$")]
    batch_size: int
    stream_arn: str

    @property
    def kind(self) -> str:
        """The kind of its events; raises InvalidRequest."""
        kind = self.stream_arn.rpartition("-")[2]
        if kind not in TABLES:
            raise InvalidRequest(
                f"streamArn must end with the kind of its events, one of {', '.join(TABLES)}"
            )
        return kind


class _Document(msgspec.Struct, frozen=True):
    """What an on-failure destination is sent, as far as it is used.

    Source: "Retain discarded batch records for a Kinesis event source", Lambda developer guide.
    """

    batch: DiscardedBatch = msgspec.field(name="KinesisBatchInfo")


class _Message(msgspec.Struct, frozen=True):
    """What Lambda hands over of a message in an SQS queue, as far as it is used.

    Source: "Using Lambda with Amazon SQS", Lambda developer guide.
    """

    body: str


def parse(event: object) -> Query | list[DiscardedBatch]:
    """The query, or the batches of an on-failure destination's documents; raises InvalidRequest.

    The documents come alone, as a list, or as Lambda hands over those of an SQS queue.
    """
    if isinstance(event, dict) and "Records" in event:
        messages = invocation.parse(event["Records"], list[_Message])
        return [_document(message.body).batch for message in messages]
    if isinstance(event, dict) and "KinesisBatchInfo" in event:
        event = [event]
    if isinstance(event, list):
        return [document.batch for document in invocation.parse(event, list[_Document])]
    query = invocation.parse(event, Query)
    texts = (query.reason, query.stream, query.shard_id, query.sequence_number)
    if not all(invocation.is_storable(text) for text in texts if text is not None):
        raise InvalidRequest("The event holds a character that PostgreSQL cannot")
    return query


def _document(body: str) -> _Document:
    try:
        return msgspec.json.decode(body, type=_Document)
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            f"body must be the document of an on-failure destination: {error}"
        ) from None


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
        return outcome(origin, LogEvent, log_row, _encode_log)
    return outcome(origin, ErrorEvent, error_row, _encode_error)


def groups(kind: str, event: object) -> Iterator[Group]:
    """The events of a batch of Kinesis records, in groups to commit together."""
    records = invocation.parse(event, batch.Batch)
    if kind == "logs":
        return batch.groups(records, LogEvent, log_row, _encode_log)
    return batch.groups(records, ErrorEvent, error_row, _encode_error)
