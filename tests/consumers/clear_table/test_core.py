from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.clear_table.core import parse
from shared.errors import InvalidRequest
from shared.tables import LOGS


def test_takes_a_table_confirmed_and_a_time() -> None:
    event = {"table": "logs", "confirm": "logs", "before": "2026-01-01T01:00:00+01:00"}
    assert parse(event) == (LOGS, datetime(2026, 1, 1, tzinfo=UTC))
    assert parse({"table": "logs", "confirm": "logs"}) == (LOGS, None)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, "Expected `object`"),
        ({"table": "logs"}, "missing required field `confirm`"),
        ({"table": "logs", "confirm": "errors"}, 'repeat its name: "confirm": "logs"'),
        ({"table": "pg_class", "confirm": "pg_class"}, "one of logs, errors, quarantine"),
        ({"table": "logs", "confirm": "logs", "before": "yesterday"}, r"before"),
        ({"table": "logs", "confirm": "logs", "before": "2026-01-01T00:00:00"}, "timezone"),
        ({"table": "logs", "confirm": "logs", "after": None}, "unknown field `after`"),
    ],
)
def test_says_what_is_wrong(event: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse(event)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda s: st.dictionaries(st.text(), s)))
def test_nothing_unconfirmed_is_taken(event: Any) -> None:
    with pytest.raises(InvalidRequest):
        parse(event)
