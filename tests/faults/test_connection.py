"""A connection to the database that breaks at every place in the conversation."""

import psycopg2
import pytest
from psycopg2 import extensions

from tests.faults.database_proxy import COMMIT, QUARANTINE, ROWS, WRITE, DatabaseProxy, Fault
from tests.faults.world import World
from tests.fixtures.invocation import Context

DONE: dict[str, list[str]] = {"batchItemFailures": []}


@pytest.mark.parametrize("pattern", [b"BEGIN", WRITE, ROWS, QUARANTINE, COMMIT])
@pytest.mark.parametrize("fault", [Fault.CUT, Fault.CUT_BEHIND, Fault.LOSE_ANSWER])
def test_a_cut_connection_is_replaced_and_the_transaction_run_again(
    world: World, proxy: DatabaseProxy, pattern: bytes, fault: Fault
) -> None:
    world.post_until_taken(world.events(20, ["a", "b"]))
    world.put_bad(b"not JSON")
    proxy.arm(pattern, fault)
    world.deliver_all()
    assert not proxy.armed
    world.check()


@pytest.mark.parametrize("pattern", [WRITE, ROWS, COMMIT])
def test_a_silent_connection_is_given_up_before_the_invocation_ends(
    world: World, proxy: DatabaseProxy, pattern: bytes
) -> None:
    world.post_until_taken(world.events(5))
    proxy.arm(pattern, Fault.STALL)
    world.fetch()
    (shard,) = world.ready()
    first = shard.checkpoint
    answer = world.deliver(shard, 10, Context(3100, 1100, 0))
    assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert not proxy.outwaited
    world.deliver_all()
    world.check()


@pytest.mark.parametrize("pattern", [ROWS, COMMIT])
def test_a_silent_connection_is_replaced_within_the_invocation(
    world: World, proxy: DatabaseProxy, pattern: bytes
) -> None:
    world.post_until_taken(world.events(5))
    proxy.arm(pattern, Fault.STALL)
    world.fetch()
    (shard,) = world.ready()
    assert world.deliver(shard, 10, Context(6000, 1100, 30_000)) == DONE
    assert not proxy.armed
    assert not proxy.outwaited
    world.check()


def test_a_server_that_never_answers_a_connection_is_given_up(
    world: World, proxy: DatabaseProxy
) -> None:
    world.post_until_taken(world.events(5))
    proxy.arm(b"", Fault.STALL)
    world.fetch()
    (shard,) = world.ready()
    assert world.deliver(shard, 10, Context(3100, 0)) != DONE
    assert not proxy.outwaited
    world.deliver_all()
    world.check()


def test_a_batch_whose_answer_was_lost_is_stored_once(world: World) -> None:
    world.post_until_taken(world.events(20, ["a"]))
    world.put_bad(b"not JSON")
    world.fetch()
    for shard in world.ready():
        batch = {"Records": list(shard.records)}
        assert world.sink(batch, Context()) == DONE  # and Lambda never learns of it
    world.new_sink()
    world.deliver_all()
    world.check()


def test_a_terminated_session_is_replaced(world: World, database: extensions.connection) -> None:
    """As an administrator or a failover ends it: the server says so, and closes."""
    world.post_until_taken(world.events(5))
    world.deliver_all()
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'sluice'"
        )
        assert cursor.fetchall() == [(True,)]
    world.post_until_taken(world.events(5))
    world.deliver_all()
    world.check()


def test_order_of_a_key_survives_a_cut_in_the_middle_of_a_batch(
    world: World, proxy: DatabaseProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.batch.GROUP_BYTES", 1)  # a transaction for each record
    for _ in range(6):
        world.post_until_taken(world.events(10, ["a", "b"]))
    for fault in (Fault.LOSE_ANSWER, Fault.CUT, Fault.CUT_BEHIND):
        proxy.arm(COMMIT, fault)
    world.deliver_all()
    assert not proxy.armed
    world.check()


@pytest.mark.parametrize("k", range(6))
def test_failure_at_each_record_leaves_the_records_before_it_committed(
    world: World,
    database: extensions.connection,
    monkeypatch: pytest.MonkeyPatch,
    k: int,
) -> None:
    monkeypatch.setattr("shared.batch.GROUP_BYTES", 1)
    events = world.events(6, ["a"])
    for event in events:
        world.post_until_taken([event])
    world.fetch()
    (shard,) = world.ready()
    failing = shard.records[k]["kinesis"]["sequenceNumber"]
    looks = [60_000, 60_000] * k
    answer = world.deliver(shard, 6, Context(*looks, 0))
    assert answer == {"batchItemFailures": [{"itemIdentifier": failing}]}
    with database.cursor() as cursor:
        cursor.execute("SELECT attributes ->> 'number' FROM logs ORDER BY 1")
        assert [int(n) for (n,) in cursor.fetchall()] == list(range(k))
    world.deliver_all()
    world.check()


def test_waiting_for_a_lock_ends_in_time(world: World, database: extensions.connection) -> None:
    world.post_until_taken(world.events(3))
    world.fetch()
    (shard,) = world.ready()
    holder = psycopg2.connect(database.dsn)
    with holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE logs IN ACCESS EXCLUSIVE MODE")
        assert world.deliver(shard, 10, Context(3100, 1400, 0)) != DONE
    holder.close()
    world.deliver_all()
    world.check()
