import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert
from msgspec.structs import asdict

from shared.batch import Batch, groups
from shared.copy_format import row_encoder
from shared.events import LogEvent
from shared.tables import LOGS
from tests.fixtures.documents import log, stored
from tests.fixtures.invocation import kinesis_batch

DOCUMENTS = st.sampled_from([stored(log()), stored(log(message="m" * 500)), b"bad", b"{}"])


@given(
    st.lists(st.lists(DOCUMENTS, min_size=1, max_size=4), max_size=6),
    st.integers(1, 3000),
)
def test_every_document_is_a_row_or_rejected_in_its_place(
    records: list[list[bytes]], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.batch.GROUP_BYTES", size)
        made = list(
            groups(
                convert(kinesis_batch(*records), Batch), LogEvent, asdict, row_encoder(LOGS.columns)
            )
        )
    origins = [
        (int(origin.sequence_number), origin.event_index, origin.raw)
        for group in made
        for origin in [
            *(row.origin for row in group.rows),
            *(rejected.origin for rejected in group.rejected),
        ]
    ]
    expected = [
        (n, index, document)
        for n, record in enumerate(records)
        for index, document in enumerate(record)
    ]
    assert sorted(origins) == expected
    starts = [int(group.sequence_number) for group in made]
    assert starts == sorted(set(starts))
    assert starts[:1] == [0][: len(records)]


def test_names_where_an_event_comes_from() -> None:
    (group,) = groups(
        convert(kinesis_batch([b"bad"]), Batch), LogEvent, asdict, row_encoder(LOGS.columns)
    )
    origin = group.rejected[0].origin
    assert (origin.stream, origin.shard_id) == ("local-test", "shardId-000000000000")
