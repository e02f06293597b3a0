import gzip
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.records import (
    MAXIMUM_EVENT_BYTES,
    MAXIMUM_RECORD_BYTES,
    MAXIMUM_REQUEST_BYTES,
    MAXIMUM_REQUEST_RECORDS,
    InvalidRecord,
    Line,
    Record,
    TooLarge,
    decompress,
    pack,
    take_request,
    unpack,
)

KEYS = st.none() | st.sampled_from(["a", "b", "ü" * 256])
SIZES = st.integers(1, 2000) | st.integers(MAXIMUM_EVENT_BYTES // 3, MAXIMUM_EVENT_BYTES)


def packed(lines: list[Line]) -> list[Record]:
    numbers = itertools.count()
    return pack(lines, lambda: f"random {next(numbers)}")


@given(st.lists(st.tuples(KEYS, SIZES), max_size=12))
def test_every_line_comes_out_once_in_the_order_of_its_key(
    wanted: list[tuple[str | None, int]],
) -> None:
    lines = [Line(n, key, b"%d" % (n % 10) * size) for n, (key, size) in enumerate(wanted)]
    records = packed(lines)
    for key in {line.partition_key for line in lines}:
        mine = [r for r in records if r.partition_key.startswith(key or "random")]
        expected = [line for line in lines if line.partition_key == key]
        assert [index for r in mine for index in r.indexes] == [line.index for line in expected]
        assert [data for r in mine for data in unpack(r.data)] == [line.data for line in expected]
    assert all(record.size <= MAXIMUM_RECORD_BYTES for record in records)


def test_lines_share_as_few_records_as_hold_them() -> None:
    half = b"x" * (MAXIMUM_EVENT_BYTES // 2)
    assert len(packed([Line(n, None, b"{}") for n in range(10_000)])) == 1
    assert [r.indexes for r in packed([Line(n, None, half) for n in range(3)])] == [(0, 1), (2,)]


def test_compression_only_where_it_makes_smaller() -> None:
    (small,) = packed([Line(0, None, b"{}")])
    (large,) = packed([Line(0, None, b" " * 1000)])
    assert small.data == b"{}\n"
    assert gzip.decompress(large.data) == b" " * 1000 + b"\n"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**6)), max_size=30))
def test_requests_take_everything_one_record_of_a_key_at_a_time(
    wanted: list[tuple[str, int]],
) -> None:
    records = [Record(key, bytes(size), (n,)) for n, (key, size) in enumerate(wanted)]
    waiting, order = records, []
    while waiting:
        request, waiting = take_request(waiting)
        assert len({record.partition_key for record in request}) == len(request) > 0
        order += request
    for key in "abc":
        assert [r for r in order if r.partition_key == key] == [
            r for r in records if r.partition_key == key
        ]


def test_a_request_keeps_to_kinesis_limits() -> None:
    small = [Record(str(n), b"", (n,)) for n in range(501)]
    large = [Record(str(n), bytes(1024 * 1024 - 1), (n,)) for n in range(6)]
    assert [len(part) for part in take_request(small)] == [MAXIMUM_REQUEST_RECORDS, 1]
    assert [len(part) for part in take_request(large)] == [5, 1]
    assert sum(record.size for record in take_request(large)[0]) <= MAXIMUM_REQUEST_BYTES


def test_a_record_never_overtakes_a_larger_one_of_its_key() -> None:
    large = [Record(key, bytes(10**6), (n,)) for n, key in enumerate("abcdef")]
    small = Record("f", b"", (6,))
    request, waiting = take_request([*large, small])
    assert (request, waiting) == (large[:5], [large[5], small])


@given(st.binary())
def test_any_bytes_are_a_record_or_invalid(data: bytes) -> None:
    try:
        documents = unpack(data)
    except InvalidRecord:
        return
    assert b"\n".join(documents) == data.removesuffix(b"\n")


@pytest.mark.parametrize("data", [b"", b"\n", gzip.compress(b""), b"\x1f\x8bxx"])
def test_what_is_no_record(data: bytes) -> None:
    with pytest.raises(InvalidRecord):
        unpack(data)


def test_gzip_is_read_up_to_its_limit_and_to_its_end() -> None:
    data = gzip.compress(bytes(100))
    assert decompress(data, 100) == bytes(100)
    with pytest.raises(TooLarge):
        decompress(data, 99)
    for damaged in (data[:-1], data + b"x", data + data, b"\x1f\x8b"):
        with pytest.raises(InvalidRecord):
            decompress(damaged, 1000)
