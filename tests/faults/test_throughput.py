"""What a poison event in every batch costs, against a clean batch just before it."""

import statistics
import time

import pytest
from psycopg2 import extensions

from tests.faults.world import execution_environment
from tests.fixtures.documents import log, stored
from tests.fixtures.invocation import Context, kinesis_batch

BATCHES = 20
LEAST_SHARE = 0.5  # of the throughput of clean batches
EVENTS = 500
POISON = {
    "that is no event": b"not JSON",
    "that PostgreSQL refuses": stored(log(message="poison")),
    "with the id of another": stored(log(), event_id="00000000-0000-4000-8000-000000000000"),
}


@pytest.mark.parametrize("kind", POISON)
def test_a_poison_event_in_every_batch_leaves_most_of_the_throughput(
    database: extensions.connection, kind: str
) -> None:
    sink = execution_environment("consumers.log_sink").log_sink
    spent: list[float] = []
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE logs ADD CONSTRAINT clean CHECK (message <> 'poison')")
        first = stored(log(message="first"), event_id="00000000-0000-4000-8000-000000000000")
        sink(kinesis_batch([first]), Context())
        for batch in range(2 * BATCHES):
            poisoned = batch % 2 == 1
            documents = [stored(log(message="m" * 200)) for _ in range(EVENTS)]
            if poisoned:
                documents[EVENTS // 2] = POISON[kind]
            event = kinesis_batch(documents)
            event["Records"][0]["kinesis"]["sequenceNumber"] = str(batch)
            started = time.perf_counter()
            sink(event, Context())
            spent.append(time.perf_counter() - started)
        cursor.execute("SELECT count(*) FROM quarantine")
        assert cursor.fetchone() == (BATCHES,)
        cursor.execute("SELECT count(*) FROM logs")
        assert cursor.fetchone() == (1 + 2 * BATCHES * EVENTS - BATCHES,)
    # Each poisoned batch with the clean one before it: what else the machine does weighs on both.
    share = statistics.median(
        clean / poisoned for clean, poisoned in zip(spent[::2], spent[1::2], strict=True)
    )
    rate = EVENTS / statistics.median(spent[::2])
    print(f"\nAn event {kind} in every batch leaves {share:.2f} of {rate:,.0f} events a second.")
    assert share >= LEAST_SHARE
