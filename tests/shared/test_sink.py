"""The sink against a real PostgreSQL: what goes wrong, one at a time."""

import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from awslambdaric.lambda_runtime_log_utils import JsonFormatter  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import convert
from msgspec.structs import asdict
from psycopg2 import extensions

from consumers.log_sink import core as log_sink
from shared.batch import Batch, groups
from shared.copy_format import row_encoder
from shared.database import Database
from shared.errors import InvalidRequest, Misconfiguration
from shared.events import ErrorEvent
from shared.sink import store
from shared.tables import ERRORS, LOGS
from tests.fixtures.documents import bad, error, log, stored
from tests.fixtures.invocation import Context, kinesis_batch, kinesis_record

type Sink = Callable[..., dict[str, Any]]

DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def sink(database: extensions.connection) -> Sink:
    connection = Database(os.environ)

    def sink(event: Any, context: Context) -> dict[str, Any]:
        return store(log_sink.groups(event), context, connection, LOGS)

    return sink


def query(database: extensions.connection, statement: str) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def messages(database: extensions.connection) -> list[str]:
    return [row[0] for row in query(database, "SELECT message FROM logs ORDER BY message")]


def quarantined(database: extensions.connection) -> list[Any]:
    return query(
        database,
        "SELECT sequence_number, event_index, reason FROM quarantine"
        " ORDER BY sequence_number, event_index",
    )


def test_stores_every_column(sink: Sink, database: extensions.connection) -> None:
    event = log(message="naïve 🦥", attributes={"a": [1, None, {"b": 1.5}]})
    assert sink(kinesis_batch([stored(event)]), Context()) == DONE
    rows = query(
        database,
        "SELECT occurred_at::text, service, environment, level, message, attributes FROM logs",
    )
    time = "2026-01-02 03:04:05+00"
    assert rows == [(time, "checkout", "test", "INFO", "naïve 🦥", event["attributes"])]


def test_duplicates_vanish_within_a_batch_and_across(
    sink: Sink, database: extensions.connection
) -> None:
    document = stored(log())
    batch = kinesis_batch([document, document], [document])
    assert sink(batch, Context()) == sink(batch, Context()) == DONE
    assert messages(database) == ["paid"]
    assert quarantined(database) == []


def test_conflict_keeps_the_first(sink: Sink, database: extensions.connection) -> None:
    event_id = str(uuid4())
    first, second = (stored(log(message=text), event_id=event_id) for text in ("first", "second"))
    sink(kinesis_batch([first, second], [first], [second]), Context())
    assert messages(database) == ["first"]
    reason = "Conflict: the event_id is stored already, with other content"
    assert quarantined(database) == [("0", 1, reason), ("2", 0, reason)]


def test_the_log_counts_what_goes_to_quarantine(
    sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    # A field, since infra/alarms.tf adds it up: Lambda writes it into its JSON line.
    caplog.set_level(logging.INFO, "shared.sink")
    sink(kinesis_batch([b"no event", stored(log()), b"neither"]), Context())
    (record,) = caplog.records
    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "Committed 3 events, 2 of them to quarantine"
    assert line["quarantined"] == 2


def test_bad_events_go_to_quarantine_alone(sink: Sink, database: extensions.connection) -> None:
    good, other = stored(log()), stored(log())
    documents = [document for document, _ in bad(log())]
    assert sink(kinesis_batch([good, *documents, b"", other]), Context()) == DONE
    assert messages(database) == ["paid", "paid"]
    rows = query(database, "SELECT raw, reason FROM quarantine ORDER BY event_index")
    assert [bytes(raw) for raw, _ in rows] == [*documents, b""]
    assert all(reason for _, reason in rows)


def test_an_event_without_id_or_time_is_no_producers(
    sink: Sink, database: extensions.connection
) -> None:
    sink(
        kinesis_batch([stored(log(), event_id=None)], [stored(log(), occurred_at=None)]), Context()
    )
    reason = "event_id, occurred_at: Required in a stream"
    assert quarantined(database) == [("0", 0, reason), ("1", 0, reason)]


@pytest.mark.parametrize("data", [b"\x1f\x8bnot gzip", b""])
def test_unreadable_record_goes_to_quarantine_whole(
    sink: Sink, database: extensions.connection, data: bytes
) -> None:
    batch = kinesis_batch([stored(log())])
    batch["Records"].append(kinesis_record("1", data))
    batch["Records"].append(kinesis_record("2", b""))
    batch["Records"][2]["kinesis"]["data"] = "no base64!"
    batch["Records"].append(kinesis_record("3", b""))
    batch["Records"][3]["kinesis"]["data"] = "\ud800"
    assert sink(batch, Context()) == DONE
    assert messages(database) == ["paid"]
    places = [(number, index) for number, index, _ in quarantined(database)]
    assert places == [("1", 0), ("2", 0), ("3", 0)]
    raw = query(database, "SELECT raw FROM quarantine ORDER BY sequence_number")
    assert [bytes(value) for (value,) in raw] == [data, b"no base64!", b"\xed\xa0\x80"]


@pytest.mark.parametrize("guilty", [{0}, {6}, {2, 3}, set(range(7))])
def test_rows_that_postgres_refuses_are_narrowed_down(
    sink: Sink, database: extensions.connection, guilty: set[int]
) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE logs ADD CONSTRAINT no_bad CHECK (message <> 'bad')")
    documents = [stored(log(message="bad" if n in guilty else str(n))) for n in range(7)]
    assert sink(kinesis_batch(documents), Context()) == DONE
    assert messages(database) == [str(n) for n in range(7) if n not in guilty]
    assert [index for _, index, _ in quarantined(database)] == sorted(guilty)
    assert all("no_bad" in reason for _, _, reason in quarantined(database))


@pytest.mark.parametrize(
    "refuse",
    [
        # A trigger, where the line that is named is one of its own.
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
        " IF EXISTS (SELECT FROM given WHERE message LIKE 'bad%') THEN\n"
        " RAISE check_violation; END IF; RETURN NULL; END $$;"
        "CREATE TRIGGER refuse AFTER INSERT ON logs REFERENCING NEW TABLE AS given"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
        # A row that is larger than a page: found when rows are written, after the last was read.
        "ALTER TABLE logs_default ALTER message SET STORAGE PLAIN",
    ],
    ids=["a trigger", "the page's size"],
)
def test_rows_that_are_refused_without_their_line_are_narrowed_down(
    sink: Sink, database: extensions.connection, refuse: str
) -> None:
    with database.cursor() as cursor:
        cursor.execute(refuse)
    guilty = {0, 1, 13, 39}
    documents = [
        stored(log(message="bad" * 4000 if n in guilty else f"{n:02}"), event_id=str(UUID(int=n)))
        for n in range(40)
    ]
    assert sink(kinesis_batch(documents), Context()) == DONE
    assert messages(database) == [f"{n:02}" for n in range(40) if n not in guilty]
    assert {index for _, index, _ in quarantined(database)} == guilty


def test_of_equal_keys_the_next_counts_when_the_first_is_refused(
    sink: Sink, database: extensions.connection
) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE logs ADD CONSTRAINT no_bad CHECK (message <> 'bad')")
    event_id = str(uuid4())
    texts = ["bad", "bad", "good", "other", "good"]
    documents = [stored(log(message=text), event_id=event_id) for text in texts]
    assert sink(kinesis_batch(documents), Context()) == DONE
    assert messages(database) == ["good"]
    assert [index for _, index, _ in quarantined(database)] == [0, 1, 3]


def test_rows_are_written_in_the_order_of_their_keys(
    sink: Sink, database: extensions.connection
) -> None:
    """Two sinks with the same events wait for each other in one direction: no deadlock."""
    ids = [str(UUID(int=n)) for n in (5, 2, 9, 1, 7)]
    sink(kinesis_batch([stored(log(), event_id=event_id) for event_id in ids]), Context())
    written = query(database, "SELECT event_id::text FROM logs ORDER BY ctid")
    assert [event_id for (event_id,) in written] == sorted(ids)


@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("content", ["equal", "other"])
def test_an_event_that_another_sink_stores_at_the_same_time_is_stored_once(
    sink: Sink, database: extensions.connection, content: str, count: int
) -> None:
    rows = [stored(log(message="ours")) for _ in range(count)]
    theirs = rows[count // 2].replace(b"ours", b"ours" if content == "equal" else b"other")
    other = psycopg2.connect("")
    with other, other.cursor() as cursor:
        # Stored but not committed: our sink does not see it yet, and waits at its key.
        cursor.execute(
            "INSERT INTO logs SELECT (jsonb_populate_record(NULL::logs, %s::jsonb ||"
            """ '{"attributes": {}, "received_at": "2026-01-02T03:04:05Z"}')).*""",
            [theirs.decode()],
        )
        with ThreadPoolExecutor(1) as executor:
            answer = executor.submit(sink, kinesis_batch(rows), Context())
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid'"
            while query(database, waiting) == [(0,)]:
                assert not answer.done()
            other.commit()
            assert answer.result() == DONE
    other.close()
    assert messages(database) == sorted(["ours"] * (count - 1) + [json.loads(theirs)["message"]])
    assert [index for _, index, _ in quarantined(database)] == [count // 2] * (content == "other")


def test_reconnects_when_the_connection_was_cut(
    sink: Sink, database: extensions.connection
) -> None:
    sink(kinesis_batch([stored(log(message="before"))]), Context())
    query(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert sink(kinesis_batch([stored(log(message="after"))]), Context()) == DONE
    assert messages(database) == ["after", "before"]


def test_what_is_not_committed_in_time_is_reported(
    sink: Sink, database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.batch.GROUP_BYTES", 1)  # a transaction for each record
    batch = kinesis_batch(*([stored(log(message=str(n)))] for n in range(3)))
    # Two looks at the clock for the first transaction, then no time for another.
    answer = sink(batch, Context(30_000, 30_000, 0))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert messages(database) == ["0"]
    assert sink(batch, Context()) == DONE
    assert messages(database) == ["0", "1", "2"]


def test_a_lock_held_by_others_is_waited_for_but_not_too_long(
    sink: Sink, database: extensions.connection
) -> None:
    other = psycopg2.connect("")
    with other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE logs IN ACCESS EXCLUSIVE MODE")
        answer = sink(kinesis_batch([stored(log())]), Context(5000, 1200, 0))
    other.close()
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert messages(database) == quarantined(database) == []


def test_unreachable_database_quarantines_nothing(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PGHOST", "/nowhere")
        answer = sink(kinesis_batch([stored(log())]), Context(5000, 0))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}


@pytest.mark.parametrize("missing", ["DROP TABLE logs", "ALTER TABLE logs DROP COLUMN level"])
def test_schema_that_is_not_migrated_is_said(
    sink: Sink, database: extensions.connection, missing: str
) -> None:
    with database.cursor() as cursor:
        cursor.execute(missing)
    with pytest.raises(Misconfiguration, match=r"invoke consumers\.migrate"):
        sink(kinesis_batch([stored(log())]), Context())


def test_writes_as_the_role_it_is_given(
    sink: Sink, database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER ROLE sluice_write LOGIN PASSWORD 'test'")
    with monkeypatch.context() as patch:
        patch.setenv("PGUSER", "sluice_write")
        patch.setenv("PGPASSWORD", "test")
        assert sink(kinesis_batch([stored(log()), b"bad"]), Context()) == DONE
    assert len(messages(database)) == len(quarantined(database)) == 1


@pytest.mark.parametrize("event", [{}, [], None, {"Records": [{}]}, {"Records": 1}])
def test_anything_but_a_batch_is_refused(sink: Sink, event: Any) -> None:
    with pytest.raises(InvalidRequest):
        sink(event, Context())


def test_a_derived_column_makes_no_conflict(database: extensions.connection) -> None:
    for fingerprint in ("of the last release", "of this one"):
        connection = Database(os.environ)
        batch = kinesis_batch([stored(error(), event_id=str(UUID(int=1)))])
        row = partial(_error_row, fingerprint)
        made = groups(convert(batch, Batch), ErrorEvent, row, row_encoder(ERRORS.columns))
        assert store(made, Context(), connection, ERRORS) == DONE
    assert quarantined(database) == []


def _error_row(fingerprint: str, event: ErrorEvent) -> dict[str, Any]:
    return {**asdict(event), "fingerprint": fingerprint}


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(st.lists(st.lists(st.integers(0, 9), min_size=1), max_size=4), max_size=3))
def test_every_event_ends_in_the_table_or_in_quarantine_once(
    sink: Sink, database: extensions.connection, batches: list[list[list[int]]]
) -> None:
    """Numbers below 4 are two contents for each of two ids; 8 and 9 cannot be stored."""
    documents = [
        stored(log(message=str(n) if n < 8 else 1), event_id=str(UUID(int=n // 2 if n < 4 else n)))
        for n in range(10)
    ]
    with database.cursor() as cursor:
        cursor.execute("TRUNCATE logs, quarantine")
    first: dict[int, int] = {}
    bad_or_second = 0
    for number, batch in enumerate(batches):
        event = kinesis_batch(*([documents[n] for n in record] for record in batch))
        for record in event["Records"]:
            record["eventID"] = f"shard-{number}:0"
        assert sink(event, Context()) == sink(event, Context()) == DONE
        for n in (n for record in batch for n in record):
            taken = n < 8 and first.setdefault(n // 2 if n < 4 else n, n) == n
            bad_or_second += not taken
    assert messages(database) == sorted(str(n) for n in first.values())
    assert len(quarantined(database)) == bad_or_second
