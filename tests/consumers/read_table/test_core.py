import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.read_table.core import decode_cursor, encode_cursor, page, parse
from shared.errors import InvalidRequest
from shared.tables import ERRORS, LOGS

ROWS = [{"occurred_at": "2026-01-01T00:00:00Z", "event_id": str(n)} for n in range(5)]


@given(st.integers(1, 6), st.integers(0, 500))
def test_pages_hold_what_the_limits_allow_and_lead_to_the_rest(limit: int, size: int) -> None:
    answer = page(ROWS, LOGS, limit, size)
    taken = answer["rows"]
    assert taken == ROWS[: len(taken)]
    assert 1 <= len(taken) <= limit
    assert len(taken) == 1 or len(str(taken)) <= size + 10
    if len(taken) == len(ROWS):
        assert answer["cursor"] is None
    else:
        assert decode_cursor(LOGS, answer["cursor"]) == list(taken[-1].values())


def test_an_empty_page_is_the_last() -> None:
    assert page([], LOGS, 1, 1) == {"rows": [], "cursor": None}


@given(st.text())
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="an earlier answer"):
        decode_cursor(LOGS, cursor)


@given(st.lists(st.none() | st.booleans() | st.integers() | st.just("\0") | st.just("\ud800")))
def test_a_cursor_with_other_values_is_refused(values: list[Any]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(["logs", *values]).encode()).decode()
    with pytest.raises(InvalidRequest, match="an earlier answer"):
        decode_cursor(LOGS, cursor)


def test_a_cursor_of_another_table_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        decode_cursor(ERRORS, encode_cursor(LOGS, ROWS[0]))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ([], "Expected `object`"),
        ({}, "missing required field `table`"),
        ({"table": "pg_class"}, "one of logs, errors, quarantine"),
        ({"table": "logs", "type": "ValueError"}, "cannot be read by type, but by service, level"),
        ({"table": "quarantine", "service": "a"}, "but by time alone"),
        ({"table": "logs", "service": "a\0"}, "no event can hold"),
        ({"table": "logs", "service": "\ud800"}, "no event can hold"),
        ({"table": "logs", "limit": 0}, ">= 1"),
        ({"table": "logs", "limit": 1001}, "<= 1000"),
        ({"table": "logs", "since": "2026-01-01"}, "RFC3339"),
        ({"table": "logs", "where": "1=1"}, "unknown field `where`"),
    ],
)
def test_says_what_is_wrong(event: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse(event)
