"""The demo's events and its verdict; that all of it works is shown by running the demo."""

import io
from typing import Any

import pytest
from rich.console import Console

from local.demo import EVENTS_PER_TABLE, identity, verdict
from local.demo_clients import OPENTELEMETRY_SERVICE
from local.demo_events import error_events, log_events

IDS = [str(number) for number in range(EVENTS_PER_TABLE)]


def test_errors_are_those_of_raised_exceptions() -> None:
    payment, value, key = error_events(3)
    assert payment["type"] == "PaymentError"
    assert [cause["type"] for cause in payment["causes"]] == ["ConnectionError", "JSONDecodeError"]
    assert [frame["function"] for frame in payment["stack"]] == ["raised_errors", "_pay"]
    decoding = payment["causes"][1]["stack"]
    assert [frame["in_application"] for frame in decoding] == [True, False, False, False]
    assert value["message"] == "invalid literal for int() with base 10: '1 pieces'"
    assert len(key["message"]) > 5000


def test_logs_are_those_of_a_logger() -> None:
    events = log_events(5)
    levels = " ".join(event["level"] for event in events)
    assert levels == "DEBUG INFO WARNING ERROR CRITICAL"
    assert events[2]["message"] == "Order 2 of 美咲: thank you"


def rows(ids: list[str]) -> list[dict[str, Any]]:
    return [{"event_id": each} for each in ids]


@pytest.mark.parametrize(
    ("sent", "read_back", "quarantine", "status"),
    [
        (IDS, IDS[::-1], [], 0),
        (IDS, IDS[1:], [], 1),
        (IDS, [*IDS, "more"], [], 1),
        (IDS, [*IDS, IDS[0]], [], 1),
        (IDS[1:], IDS[1:], [], 1),
        (IDS, IDS, [{"reason": "conflict"}], 1),
    ],
    ids=["all", "missing", "unexpected", "twice", "refused", "quarantined"],
)
def test_only_all_that_was_sent_is_a_success(
    sent: list[str], read_back: list[str], quarantine: list[dict[str, Any]], status: int
) -> None:
    tables = {"logs": rows(read_back), "quarantine": quarantine}
    assert verdict({"logs": sent}, tables, Console(file=io.StringIO())) == status


def test_rows_of_opentelemetry_are_known_by_their_messages() -> None:
    row = {"event_id": "id", "message": "Order 7 was shipped"}
    assert identity(row) == "id"
    assert identity({**row, "service": OPENTELEMETRY_SERVICE}) == "Order 7 was shipped"
