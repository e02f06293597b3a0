from consumers.log_sink.core import make_row
from shared.events import LogEvent, decode
from shared.tables import LOGS
from tests.fixtures.documents import log, stored


def test_a_row_has_the_columns_of_its_table() -> None:
    row = make_row(decode(stored(log(partition_key="not stored")), LogEvent))
    assert row.keys() == LOGS.columns.keys()
    assert row["level"] == "INFO"
