"""What is compressed is read, and nothing that is compressed gets past the limit."""

import gzip
import zlib

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sentry_envelope.encodings import ENCODINGS
from shared.records import GZIP, InvalidRecord, TooLarge

LIMIT = 100_000
COMPRESS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}

each_encoding = pytest.mark.parametrize("encoding", COMPRESS)


@each_encoding
@given(data=st.binary() | st.integers(LIMIT - 10, LIMIT).map(bytes))
def test_what_was_compressed_comes_back(encoding: str, data: bytes) -> None:
    assert ENCODINGS[encoding](COMPRESS[encoding](data), LIMIT) == data


@each_encoding
@pytest.mark.parametrize("size", [LIMIT + 1, 1000 * LIMIT])
def test_a_bomb_stops_at_the_limit(encoding: str, size: int) -> None:
    with pytest.raises(TooLarge):
        ENCODINGS[encoding](COMPRESS[encoding](bytes(size)), LIMIT)


@pytest.mark.parametrize(("encoding", "wbits"), [("gzip", GZIP), ("deflate", zlib.MAX_WBITS)])
def test_what_is_past_the_limit_is_not_looked_at(encoding: str, wbits: int) -> None:
    compressor = zlib.compressobj(wbits=wbits)
    begin = compressor.compress(bytes(10 * LIMIT)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    damaged = begin + b"\xff" * 100
    with pytest.raises(TooLarge):
        ENCODINGS[encoding](damaged, LIMIT)
    with pytest.raises(InvalidRecord, match="Not valid"):
        ENCODINGS[encoding](damaged, 20 * LIMIT)


@each_encoding
@given(data=st.binary(min_size=1), cut=st.integers(1, 8))
def test_what_is_cut_off_or_goes_on_is_refused(encoding: str, data: bytes, cut: int) -> None:
    compressed = COMPRESS[encoding](data)
    for wrong in (compressed[:-cut], compressed + b"more"):
        with pytest.raises(InvalidRecord):
            ENCODINGS[encoding](wrong, LIMIT)


@each_encoding
@given(data=st.binary())
def test_any_bytes_are_read_or_refused(encoding: str, data: bytes) -> None:
    try:
        assert len(ENCODINGS[encoding](data, LIMIT)) <= LIMIT
    except InvalidRecord as error:
        assert str(error)
