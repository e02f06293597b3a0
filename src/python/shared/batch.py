"""From a batch of Kinesis records to the rows to write and what must go to quarantine.

Source: "Using Lambda to process records from Amazon Kinesis Data Streams", Lambda developer guide.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from shared.events import Event, InvalidEvent, decode
from shared.records import InvalidRecord, unpack

# A transaction of this much keeps memory, locks and what a failure repeats in bounds, and leaves
# the next one to be made while PostgreSQL is at work.
GROUP_BYTES = 512 * 1024


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where an event comes from, and its bytes as they came."""

    stream: str
    shard_id: str
    sequence_number: str
    event_index: int
    raw: bytes


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row of a table by column, the same as COPY takes it, and where it comes from.

    event_id is its 32 hexadecimal digits.
    """

    origin: Origin
    event_id: str
    values: Mapping[str, Any]
    data: bytes


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """An event or a whole record that cannot be a row, and why."""

    origin: Origin
    reason: str


class _Kinesis(msgspec.Struct, frozen=True, rename="camel"):
    sequence_number: str
    data: str


class _Record(
    msgspec.Struct,
    frozen=True,
    rename={"event_id": "eventID", "event_source_arn": "eventSourceARN"},
):
    event_id: str
    event_source_arn: str
    kinesis: _Kinesis


class Batch(msgspec.Struct, frozen=True, rename="pascal"):
    """An invocation's event, as far as it is used."""

    records: list[_Record]


type MakeRow[E: Event] = Callable[[E], Mapping[str, Any]]
type EncodeRow = Callable[[Mapping[str, Any]], bytes]


class Group(msgspec.Struct, frozen=True):
    """Consecutive records to commit together; sequence_number is the first record's."""

    sequence_number: str
    rows: list[Row]
    rejected: list[Rejected]


def groups[E: Event](
    batch: Batch, kind: type[E], make_row: MakeRow[E], encode: EncodeRow
) -> Iterator[Group]:
    """The batch's records in order, about GROUP_BYTES at a time, made when asked for."""
    group: Group | None = None
    size = 0
    for record in batch.records:
        if group is None:
            group = Group(record.kinesis.sequence_number, [], [])
        for made in _outcomes(record, kind, make_row, encode):
            size += len(made.origin.raw)
            if isinstance(made, Row):
                group.rows.append(made)
            else:
                group.rejected.append(made)
        if size >= GROUP_BYTES:
            yield group
            group, size = None, 0
    if group is not None:
        yield group


def _outcomes[E: Event](
    record: _Record, kind: type[E], make_row: MakeRow[E], encode: EncodeRow
) -> Iterator[Row | Rejected]:
    stream = record.event_source_arn.rpartition("/")[2]
    shard_id = record.event_id.partition(":")[0]
    sequence_number = record.kinesis.sequence_number
    data = record.kinesis.data.encode(errors="surrogatepass")
    try:
        data = base64.b64decode(data, validate=True)
        documents = unpack(data)
    except (binascii.Error, InvalidRecord) as error:
        yield Rejected(Origin(stream, shard_id, sequence_number, 0, data), str(error))
        return
    for index, document in enumerate(documents):
        origin = Origin(stream, shard_id, sequence_number, index, document)
        yield outcome(origin, kind, make_row, encode)


def outcome[E: Event](
    origin: Origin, kind: type[E], make_row: MakeRow[E], encode: EncodeRow
) -> Row | Rejected:
    """The row that one event is, or why it is none."""
    try:
        event = decode(origin.raw, kind)
        if event.event_id is None or event.occurred_at is None:
            raise InvalidEvent("event_id, occurred_at", "Required in a stream")
    except InvalidEvent as error:
        return Rejected(origin, str(error))
    values = make_row(event)
    return Row(origin, event.event_id.hex, values, encode(values))
