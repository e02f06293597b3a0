import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.events import LogEvent
from shared.ingestion import answer, read, split, split_invocation
from tests.fixtures.documents import log

OBJECTS = st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=3)


@given(st.lists(OBJECTS, min_size=1, max_size=5))
def test_an_array_lines_and_an_invocation_hold_the_same(events: list[dict[str, Any]]) -> None:
    array = json.dumps(events, indent=1).encode()
    lines = b"\r\n".join(json.dumps(event).encode() for event in events)
    for documents in (split(array), split(lines), split_invocation(events)):
        assert [json.loads(document) for document in documents] == events


@given(OBJECTS)
def test_one_event_may_span_lines(event: dict[str, Any]) -> None:
    (document,) = split(json.dumps(event, indent=2).encode())
    assert json.loads(document) == event


@given(
    st.lists(st.sampled_from([b"{}", b"bad", json.dumps(log()).encode()])),
    st.sets(st.integers(0, 9)),
)
def test_the_answer_names_every_event_once(documents: list[bytes], lost: set[int]) -> None:
    intake = read(documents, LogEvent, datetime(2026, 1, 1, tzinfo=UTC), lambda: UUID(int=7))
    unavailable = lost & intake.ids.keys()
    status, content = answer(intake, unavailable)
    assert sorted(e["index"] for entries in content.values() for e in entries) == list(
        range(len(documents))
    )
    assert {entry["index"] for entry in content["unavailable"]} == unavailable
    if unavailable:
        assert status == HTTPStatus.SERVICE_UNAVAILABLE
    else:
        assert status == (HTTPStatus.BAD_REQUEST if content["rejected"] else HTTPStatus.ACCEPTED)
