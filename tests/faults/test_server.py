"""A database that is down, starved, in another's hands or at odds with the sink."""

import json
import multiprocessing
import os
import random
import signal
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions

from shared.errors import Misconfiguration
from shared.records import unpack
from tests.faults.postgres_server import PostgresServer
from tests.faults.world import World, execution_environment
from tests.fixtures.invocation import Context
from tests.fixtures.secret import rotate, value

DONE: dict[str, Any] = {"batchItemFailures": []}
DISK_BYTES = 2_500_000  # room for the rows of two full records, and some of a third's


def deliver_in_vain(world: World) -> None:
    """One invocation with time for one attempt, that stores nothing and says so."""
    world.fetch()
    for shard in world.ready():
        first = shard.checkpoint
        answer = world.deliver(shard, 100, Context(5000, 5000, 0))
        assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}


def wait_for(database: extensions.connection, condition: str, name: str = "sluice") -> None:
    """Until a session of the sink, which has that application name, is in that condition."""
    statement = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND " + condition
    with database.cursor() as cursor:
        for _ in range(3000):
            cursor.execute(statement, [name])
            if cursor.fetchone():
                return
            time.sleep(0.02)
    raise AssertionError(condition)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_is_down_and_comes_back(
    world: World, postgres: PostgresServer, mode: str
) -> None:
    world.post_until_taken(world.events(10, ["a"]))
    world.deliver_all()
    world.post_until_taken(world.events(10, ["a"]))
    world.put_bad(b"not JSON")
    postgres.stop(mode)
    try:
        deliver_in_vain(world)
    finally:
        postgres.start()
    world.deliver_all()
    world.reconnect_oracle()
    world.check()


def test_a_server_in_recovery_is_waited_for(world: World, postgres: PostgresServer) -> None:
    """A standby takes connections and refuses writes, as does a primary that was failed over."""
    world.post_until_taken(world.events(10))
    postgres.stop()
    postgres.start_in_recovery()
    try:
        deliver_in_vain(world)
    finally:
        postgres.promote()
    world.deliver_all()
    world.reconnect_oracle()
    world.check()


def test_a_server_out_of_connections_is_waited_for(
    world: World, database: extensions.connection, postgres: PostgresServer
) -> None:
    world.post_until_taken(world.events(10))
    held = []
    with pytest.raises(psycopg2.OperationalError, match="too many clients"):
        while True:
            held.append(postgres.connect())
    world.new_sink()  # one that has a connection keeps it
    deliver_in_vain(world)
    for connection in held:
        connection.close()
    world.deliver_all()
    world.check()


def test_a_full_disk_is_waited_for(
    world: World, postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    noise = random.Random(0)
    events = world.events(40, ["one shard"])
    for event in events:
        event["message"] = noise.randbytes(50_000).hex()
    world.post_until_taken(events)
    world.fetch()
    (shard,) = world.ready()
    first, second, third, _ = shard.records  # each of 1 MB, and so a transaction
    postgres.stop()
    postgres.start(file_bytes=DISK_BYTES)
    try:
        # Time for one attempt at each of three.
        answer = world.deliver(shard, 100, Context(*[5000] * 6, 0))
        number = third["kinesis"]["sequenceNumber"]
        assert answer == {"batchItemFailures": [{"itemIdentifier": number}]}
        assert "The database failed" in caplog.text
        world.reconnect_oracle()
        assert world.stored() == event_ids(first) | event_ids(second)
    finally:
        postgres.stop()
        postgres.start()
    world.deliver_all()
    world.reconnect_oracle()
    world.check()


def event_ids(record: dict[str, Any]) -> set[str]:
    """Of the events that a record holds."""
    documents = unpack(b64decode(record["kinesis"]["data"]))
    return {json.loads(document)["event_id"] for document in documents}


@pytest.mark.parametrize("table", ["logs", "quarantine"])
@pytest.mark.parametrize(
    "code",
    ["40001", "40P01", "55P03", "57014", "53100", "53200", "53300", "58030", "25006", "XX000"],
)
def test_a_failure_that_nobody_is_guilty_of_is_tried_again(
    world: World, database: extensions.connection, table: str, code: str
) -> None:
    """Serialization, deadlock, locks, timeouts, resources, failover and the unknown."""
    _refuse_once(database, table, code)
    world.post_until_taken(world.events(10))
    world.put_bad(b"not JSON")
    world.deliver_all()
    with database.cursor() as cursor:
        cursor.execute("SELECT last_value FROM refusals")
        assert cursor.fetchone() == (2,)
    world.check()


def _refuse_once(database: extensions.connection, table: str, code: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE SEQUENCE refusals;"  # what it counts survives a rollback
            "CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN IF nextval('refusals') = 1 THEN"
            f" RAISE EXCEPTION 'once' USING ERRCODE = '{code}'; END IF; RETURN NULL; END $$;"
            f"CREATE TRIGGER refuse_once AFTER INSERT ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_once()"
        )


def test_a_deadlock_is_tried_again(world: World, database: extensions.connection) -> None:
    first, second = world.events(2)
    world.post_until_taken([first, second])
    world.fetch()
    (shard,) = world.ready()
    insert = (
        "INSERT INTO logs (event_id, occurred_at, service, environment, level, message, attributes)"
        " VALUES (%s, %s, '', '', '', '', '{}')"
    )
    other = psycopg2.connect(database.dsn)
    with ThreadPoolExecutor() as pool, other.cursor() as cursor:
        # The other looks for a deadlock late, so that the sink is the one to be sacrificed.
        cursor.execute("SET deadlock_timeout = '60s'")
        cursor.execute(insert, (second["event_id"], second["occurred_at"]))
        answer = pool.submit(world.deliver, shard, 10)
        wait_for(database, "wait_event_type = 'Lock'")
        cursor.execute(insert, (first["event_id"], first["occurred_at"]))
        other.rollback()
        assert answer.result() == DONE
    other.close()
    world.check()


def test_when_quarantine_refuses_the_batch_fails_and_nothing_is_committed(
    world: World, database: extensions.connection
) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE quarantine ADD CONSTRAINT never CHECK (false)")
        world.post_until_taken(world.events(10, ["one shard"]))
        world.put_bad(b"a secret", "one shard")
        world.fetch()
        (shard,) = world.ready()
        with pytest.raises(Misconfiguration, match="never") as raised:
            world.deliver(shard, 100)
        assert b"a secret".hex() not in str(raised.value)
        assert world.stored() == set()
        cursor.execute("ALTER TABLE quarantine DROP CONSTRAINT never")
    world.deliver_all()
    world.check()


def test_an_environment_that_is_killed_in_a_transaction_leaves_nothing_behind(
    world: World, database: extensions.connection
) -> None:
    world.post_until_taken(world.events(10, ["a"]))
    world.put_bad(b"not JSON")
    world.fetch()
    holder = psycopg2.connect(database.dsn)
    for shard in world.ready():
        with holder, holder.cursor() as cursor:
            # The first statement of the sink's transaction goes through, the last waits.
            cursor.execute("LOCK TABLE quarantine, logs IN ACCESS EXCLUSIVE MODE")
            child = multiprocessing.get_context("spawn").Process(
                target=_invoke, args=[{"Records": shard.records}]
            )
            child.start()
            wait_for(database, "wait_event_type = 'Lock'")
            assert child.pid
            os.kill(child.pid, signal.SIGKILL)
            child.join()
    holder.close()
    world.new_sink()
    world.deliver_all()
    world.check()


def _invoke(batch: dict[str, Any]) -> None:
    execution_environment("consumers.log_sink").log_sink(batch, Context())


@pytest.fixture
def passwords(database: extensions.connection, postgres: PostgresServer) -> Iterator[None]:
    with database.cursor() as cursor:
        cursor.execute("ALTER ROLE sluice_write LOGIN PASSWORD 'old'")
    postgres.require_passwords()
    yield
    postgres.admit_everybody()


def test_a_rotated_password_is_picked_up(
    passwords: None, secret: str, world: World, database: extensions.connection
) -> None:
    world.post_until_taken(world.events(5))
    world.deliver_all()
    with database.cursor() as cursor:
        cursor.execute("ALTER ROLE sluice_write PASSWORD 'new'")
        world.post_until_taken(world.events(5))
        world.deliver_all()  # on the connection that it has
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'sluice'"
        )
    world.post_until_taken(world.events(5))
    world.fetch()
    for shard in world.ready():  # the database is ahead of Secrets Manager
        with pytest.raises(Misconfiguration, match="password authentication failed"):
            world.deliver(shard, 100)
    rotate(secret, value("sluice_write", "new"))
    world.deliver_all()
    world.check()
