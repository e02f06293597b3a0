import json
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import ErrorEvent, Event, InvalidEvent, LogEvent, decode
from tests.fixtures.documents import bad, error, log, stored

NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@pytest.mark.parametrize(("kind", "event"), [(LogEvent, log()), (ErrorEvent, error())])
def test_every_fault_is_named(kind: type[Event], event: dict[str, Any]) -> None:
    for document, field in bad(event):
        with pytest.raises(InvalidEvent) as raised:
            decode(document, kind)
        assert raised.value.field == field, document[:200]


@pytest.mark.parametrize("line", [-1, 2**31, 1.5, "7"])
def test_a_line_that_no_file_has_is_named(line: object) -> None:
    stack = [{"file": "a.py", "function": "f", "line": line}]
    with pytest.raises(InvalidEvent) as raised:
        decode(stored(error(stack=stack)), ErrorEvent)
    assert raised.value.field == "stack[0].line"


@given(TEXT, st.dictionaries(TEXT, VALUES))
def test_what_can_be_stored_is_taken_as_it_is(message: str, attributes: dict[str, Any]) -> None:
    event = decode(json.dumps(log(message=message, attributes=attributes)).encode(), LogEvent)
    assert (event.message, event.attributes) == (message, attributes)
    assert decode(msgspec.json.encode(event), LogEvent) == event


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)),
    st.integers(-1439, 1439),
)
def test_times_are_kept_in_utc(moment: datetime, offset: int) -> None:
    given = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    event = decode(stored(log(), occurred_at=given.isoformat()), LogEvent)
    assert event.occurred_at == given
    assert event.occurred_at.utcoffset() == timedelta()


@given(st.binary())
def test_bytes_are_never_more_than_invalid(document: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode(document, ErrorEvent)


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert decode(stored(log(message="\\u0000")), LogEvent).message == "\\u0000"


def test_a_lone_surrogate_is_told() -> None:
    with pytest.raises(InvalidEvent, match="perhaps a lone surrogate"):
        decode(stored(log(message="\ud800")), LogEvent)


def test_names_a_client_chose_are_shown_short() -> None:
    with pytest.raises(InvalidEvent) as raised:
        decode(stored(log(**{"x" * 10_000: 1})), LogEvent)
    assert len(str(raised.value)) < 500
