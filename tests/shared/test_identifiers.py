from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import RANDOM_BYTES, uuid7

TIME = st.integers(0, 2**48 - 1)
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


def test_example_of_the_rfc() -> None:
    random = bytes.fromhex("0cc3_18c4dc0c0c07398f".replace("_", ""))
    assert uuid7(0x017F22E279B0, random) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(TIME, RANDOM)
def test_says_its_version_and_time(time: int, random: bytes) -> None:
    value = uuid7(time, random)
    assert (value.version, value.variant) == (7, "specified in RFC 4122")
    assert value.int >> 80 == time


@given(TIME, TIME, RANDOM, RANDOM)
def test_sorts_by_time(time: int, other: int, random: bytes, other_random: bytes) -> None:
    if time < other:
        assert uuid7(time, random) < uuid7(other, other_random)
