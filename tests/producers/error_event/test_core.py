import json
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from producers.error_event.core import read
from shared.events import ErrorEvent, decode
from tests.fixtures.documents import error

RECEIVED_AT = datetime(2026, 1, 2, tzinfo=UTC)
NEW_ID = UUID(int=7)


def test_what_the_client_left_out_is_filled_in() -> None:
    intake = read([json.dumps(error()).encode()], RECEIVED_AT, lambda: NEW_ID)
    (line,) = intake.lines
    event = decode(line.data, ErrorEvent)
    assert (event.event_id, event.occurred_at) == (NEW_ID, RECEIVED_AT)


@given(st.lists(st.binary() | st.just(json.dumps(error()).encode())))
def test_every_document_is_taken_or_rejected(documents: list[bytes]) -> None:
    intake = read(documents, RECEIVED_AT, lambda: NEW_ID)
    taken = [line.index for line in intake.lines]
    rejected = [entry["index"] for entry in intake.rejected]
    assert sorted(taken + rejected) == list(range(len(documents)))
