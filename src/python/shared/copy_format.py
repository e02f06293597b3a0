"""Rows as `COPY ... FROM STDIN (FORMAT binary)` takes them: nothing is escaped, and little parsed.

Source: "COPY", section "Binary Format", in the PostgreSQL documentation; the format of each type is
what its receive function reads.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import msgspec

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)  # neither flags nor an extension
_TRAILER = struct.pack(">h", -1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_int2 = struct.Struct(">h").pack
_int4 = struct.Struct(">i").pack
_int4_int1 = struct.Struct(">ib").pack
_int4_int8 = struct.Struct(">iq").pack
_json = msgspec.json.Encoder().encode


def _text(value: str) -> bytes:
    data = value.encode()
    return _int4(len(data)) + data


def _jsonb(value: object) -> bytes:
    data = _json(value)
    return _int4_int1(1 + len(data), 1) + data  # 1 is the version of the format


# A field is its length in bytes, and its value.
_FIELDS: dict[str, Callable[[Any], bytes]] = {
    "uuid": lambda value: b"\0\0\0\x10" + value.bytes,
    "timestamptz": lambda value: _int4_int8(8, (value - _EPOCH) // _MICROSECOND),
    "text": _text,
    "jsonb": _jsonb,
}


def row_encoder(columns: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bytes]:
    """What encodes rows, given by column, of these columns and their types."""
    fields = [(name, _FIELDS[type]) for name, type in columns.items()]
    count = _int2(len(fields))

    def encode(row: Mapping[str, Any]) -> bytes:
        return b"".join([count, *[field(row[name]) for name, field in fields]])

    return encode


def copy_file(rows: Iterable[bytes]) -> BytesIO:
    """The input of COPY that holds these encoded rows."""
    return BytesIO(b"".join([_HEADER, *rows, _TRAILER]))
