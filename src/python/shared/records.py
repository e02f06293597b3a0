"""A stream record: newline-delimited JSON of events with one partition key, gzip when smaller.

The limits are those of "PutRecords" in the Kinesis Data Streams API reference. A record keeps to
them before compression too: a reader knows how much to expect, and a decompression bomb is none of
ours.
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Sequence

import msgspec

MAXIMUM_RECORD_BYTES = 1024 * 1024  # data and partition key together
MAXIMUM_REQUEST_BYTES = 5 * 1024 * 1024
MAXIMUM_REQUEST_RECORDS = 500
MAXIMUM_PARTITION_KEY_BYTES = 256 * 4  # 256 characters in UTF-8
MAXIMUM_EVENT_BYTES = MAXIMUM_RECORD_BYTES - MAXIMUM_PARTITION_KEY_BYTES - 1  # and a newline

GZIP = zlib.MAX_WBITS | 16
# The cheapest level takes a quarter of the default's time and makes data a fifth larger.
COMPRESSION = 1

_GZIP_MAGIC = b"\x1f\x8b"


class InvalidRecord(Exception):
    """Data that is not a stream record; the message says why."""


class TooLarge(InvalidRecord):
    """Data that decompresses to more than it may."""


class Line(msgspec.Struct, frozen=True):
    """One event as JSON: its place in the request and the partition key it asked for."""

    index: int
    partition_key: str | None
    data: bytes


class Record(msgspec.Struct, frozen=True):
    """A record to put, and the places in the request of the events it holds."""

    partition_key: str
    data: bytes
    indexes: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes as Kinesis counts them."""
        return len(self.data) + len(self.partition_key.encode())


def pack(lines: Iterable[Line], random_key: Callable[[], str]) -> list[Record]:
    """As few records as hold the lines (each at most MAXIMUM_EVENT_BYTES).

    Lines with the same key keep their order. Lines without one share records, each of which gets
    a random key, so that they spread over the shards.
    """
    filling: dict[str | None, list[Line]] = {}
    room: dict[str | None, int] = {}
    records = []
    for line in lines:
        key, size = line.partition_key, len(line.data) + 1
        if size > room.get(key, 0):
            if key in filling:
                records.append(_record(filling[key], random_key))
            filling[key], room[key] = [], MAXIMUM_EVENT_BYTES + 1
        filling[key].append(line)
        room[key] -= size
    return records + [_record(group, random_key) for group in filling.values()]


def take_request(pending: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Splits records into those for the next PutRecords request and those that wait.

    A request holds one record of a partition key: Kinesis may refuse any one record of a request,
    and a later one that it took would then have overtaken the earlier.
    """
    request: list[Record] = []
    waiting: list[Record] = []
    size = 0
    keys: set[str] = set()
    for record in pending:
        fits = (
            len(request) < MAXIMUM_REQUEST_RECORDS and size + record.size <= MAXIMUM_REQUEST_BYTES
        )
        if fits and record.partition_key not in keys:
            request.append(record)
            size += record.size
        else:
            waiting.append(record)
        keys.add(record.partition_key)
    return request, waiting


def unpack(data: bytes) -> list[bytes]:
    """The events of a record's data, one JSON document each; raises InvalidRecord."""
    if data.startswith(_GZIP_MAGIC):
        data = decompress(data, MAXIMUM_RECORD_BYTES)
    lines = data.removesuffix(b"\n").split(b"\n")
    if lines == [b""]:
        raise InvalidRecord("The record is empty")
    return lines


def decompress(data: bytes, limit: int, name: str = "gzip", wbits: int = GZIP) -> bytes:
    """What compressed data holds, at most limit bytes; never holds more.

    The name is for the message of InvalidRecord, which it raises; wbits is zlib's: what kind it is.
    """
    decompressor = zlib.decompressobj(wbits=wbits)
    try:
        result = decompressor.decompress(data, limit + 1)
    except zlib.error as error:
        raise InvalidRecord(f"Not valid {name}: {error}") from None
    if len(result) > limit:
        raise TooLarge(f"More than {limit} bytes once decompressed")
    if not decompressor.eof or decompressor.unused_data:
        raise InvalidRecord(f"Not valid {name}: it does not end where the data ends")
    return result


def _record(lines: Sequence[Line], random_key: Callable[[], str]) -> Record:
    plain = b"".join(line.data + b"\n" for line in lines)
    # No time in the header, so that equal events make equal bytes.
    compressed = gzip.compress(plain, compresslevel=COMPRESSION, mtime=0)
    return Record(
        partition_key=lines[0].partition_key or random_key(),
        data=min(plain, compressed, key=len),
        indexes=tuple(line.index for line in lines),
    )
