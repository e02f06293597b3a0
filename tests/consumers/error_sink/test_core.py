import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.error_sink.core import groups
from shared.errors import InvalidRequest
from tests.fixtures.documents import error, stored
from tests.fixtures.invocation import kinesis_batch, kinesis_record


@given(st.lists(st.binary(max_size=50) | st.builds(lambda: stored(error()))))
def test_every_event_becomes_a_row_or_is_rejected(records: list[bytes]) -> None:
    batch = {"Records": [kinesis_record(str(n), data) for n, data in enumerate(records)]}
    numbers = set()
    for group in groups(batch):
        numbers |= {row.origin.sequence_number for row in group.rows}
        numbers |= {rejected.origin.sequence_number for rejected in group.rejected}
    assert numbers == set(map(str, range(len(records))))


def test_a_row_has_what_the_event_says() -> None:
    (group,) = groups(kinesis_batch([stored(error(message="Zoë"))]))
    assert group.rows[0].values["message"] == "Zoë"


def test_what_is_no_batch_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        groups({"Records": [{}]})
