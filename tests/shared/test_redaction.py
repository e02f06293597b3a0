import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.events import LogEvent
from shared.ingestion import Intake, read
from shared.records import MAXIMUM_EVENT_BYTES
from shared.redaction import names, redact
from tests.fixtures.documents import log

NAMES = frozenset({"password", "card_number"})
KEYS = st.sampled_from(["password", "PassWord", "card_number", "card", "note"])
VALUES = st.recursive(
    st.just("a secret") | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


def taken(*events: dict[str, Any]) -> Intake:
    documents = [json.dumps(event).encode() for event in events]
    return read(documents, LogEvent, datetime(2026, 1, 1, tzinfo=UTC), lambda: UUID(int=7))


def attributes(intake: Intake) -> Any:
    (line,) = intake.lines
    return json.loads(line.data)["attributes"]


def test_names_are_listed_with_commas() -> None:
    assert names({"REDACTED_FIELDS": " Password, card_number,"}) == NAMES
    assert names({}) == names({"REDACTED_FIELDS": ""}) == frozenset()


def test_values_are_replaced_wherever_the_name_is() -> None:
    given = {"user": {"id": 7, "Password": {"old": 1}}, "cards": [{"card_number": 4711}, "x"]}
    assert attributes(redact(taken(log(attributes=given)), NAMES)) == {
        "user": {"id": 7, "Password": "[redacted]"},
        "cards": [{"card_number": "[redacted]"}, "x"],
    }


def test_all_else_stays() -> None:
    intake = taken(log(message="password", attributes={"note": "password"}), log())
    assert redact(intake, NAMES) == intake


@given(st.dictionaries(KEYS, VALUES))
def test_no_value_of_such_a_name_is_left(given: dict[str, Any]) -> None:
    def check(value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                assert item == "[redacted]" or key.lower() not in NAMES
                check(item)
        elif isinstance(value, list):
            for item in value:
                check(item)

    intake = redact(taken(log(attributes={"": 0, **given})), NAMES)
    check(attributes(intake))


def test_an_event_that_no_longer_fits_a_record_is_rejected() -> None:
    many = [{"password": 1}] * (MAXIMUM_EVENT_BYTES // 20)
    intake = redact(taken(log(attributes={"many": many}), log()), NAMES)
    assert [line.index for line in intake.lines] == [1] == list(intake.ids)
    assert [entry["index"] for entry in intake.rejected] == [0]
