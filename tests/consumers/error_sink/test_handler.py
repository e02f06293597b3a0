import importlib

from psycopg2 import extensions

from tests.fixtures.documents import bad, error, log, stored
from tests.fixtures.invocation import Context, kinesis_batch


def test_stores_good_events_and_quarantines_bad_ones(database: extensions.connection) -> None:
    from consumers.error_sink import handler

    frame = {"file": "/srv/shop/main.py", "function": "main", "line": 3}
    cause = {"type": "OSError", "message": "disk", "stack": [frame]}
    event = error(stack=[frame], causes=[cause], attributes={"user": "Zoë"})
    faulty = [*(document for document, _ in bad(error())), stored(log())]
    batch = kinesis_batch([stored(event), stored(event)], faulty)
    assert importlib.reload(handler).error_sink(batch, Context()) == {"batchItemFailures": []}
    with database.cursor() as cursor:
        cursor.execute("SELECT type, message, stack, causes, attributes, fingerprint FROM errors")
        (*row, fingerprint), same = cursor.fetchall()
        assert row == [
            *("ValueError", "no such basket", [frame]),
            *([cause], {"user": "Zoë"}),
        ]
        assert len(fingerprint) == 16
        assert same[-1] == fingerprint
        cursor.execute("SELECT event_index FROM quarantine WHERE kind = 'errors' ORDER BY 1")
        assert [index for (index,) in cursor.fetchall()] == list(range(len(faulty)))
