import importlib

from psycopg2 import extensions

from tests.fixtures.documents import bad, error, log, stored
from tests.fixtures.invocation import Context, kinesis_batch


def test_stores_good_events_and_quarantines_bad_ones(database: extensions.connection) -> None:
    from consumers.log_sink import handler

    event = log(message="naïve 🦥", attributes={"a": [1, None, {"b": 1.5}]})
    documents = [stored(event), *(document for document, _ in bad(log())), stored(error())]
    batch = kinesis_batch(documents)
    assert importlib.reload(handler).log_sink(batch, Context()) == {"batchItemFailures": []}
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT occurred_at::text, service, environment, level, message, attributes FROM logs"
        )
        time = "2026-01-02 03:04:05+00"
        row = (time, "checkout", "test", "INFO", "naïve 🦥", event["attributes"])
        assert cursor.fetchall() == [row]
        cursor.execute("SELECT event_index FROM quarantine WHERE kind = 'logs' ORDER BY 1")
        assert [index for (index,) in cursor.fetchall()] == list(range(1, len(documents)))
