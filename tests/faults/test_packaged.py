"""The faults again, on the zips under AWS's runtime interface client: one case of each class.

What a test inside the process can place more exactly is in the modules beside this one.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions

from tests.faults.database_proxy import COMMIT, WRITE, DatabaseProxy, Fault
from tests.faults.kinesis_front import GARBAGE, THROTTLE, KinesisFront, LoseAnswer, Refuse
from tests.faults.packaged import Packaged, kill_one
from tests.faults.postgres_server import PostgresServer
from tests.faults.schedule import Schedule
from tests.faults.test_server import wait_for
from tests.faults.world import InvocationFailed, World
from tests.fixtures.documents import bad, log
from tests.fixtures.http import KEY_SHA256
from tests.fixtures.invocation import Context
from tests.fixtures.kinesis import Streams

EVENTS = 3_000
KEYS = [f"key {n}" for n in range(7)]
HURRIED = Context(4_000)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        option = metafunc.config.getoption
        first, count = option("--first-seed", 1), option("--packaged-schedules", 1)
        metafunc.parametrize("seed", range(first, first + count))


@pytest.fixture
def packaged(tmp_path: Path) -> Iterator[Packaged]:
    with Packaged(Path(), tmp_path / "state") as packaged:
        yield packaged


@pytest.fixture
def world(
    packaged: Packaged,
    front: KinesisFront,
    proxy: DatabaseProxy,
    streams: Streams,
    database: extensions.connection,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    monkeypatch.setenv("API_KEY_SHA256", KEY_SHA256)
    return World(streams, database, packaged.load)


def test_bad_data_goes_to_quarantine_alone(world: World, database: extensions.connection) -> None:
    for document, _ in bad(log()):
        if len(document) <= 1024 * 1024:
            world.put_bad(document)
    world.put_bad(b"\x1f\x8bnot gzip")
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE logs ADD CONSTRAINT clean CHECK (message <> 'poison')")
    events = world.events(20, KEYS)
    world.post_until_taken(events)
    (poison,) = world.events(1)
    world.put_bad(json.dumps({**poison, "message": "poison"}).encode())
    world.deliver_all()
    world.put_bad(json.dumps({**events[0], "message": "other"}).encode())  # a conflict
    world.put_again(events)
    world.deliver_all()
    world.check()


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.CUT_BEHIND, Fault.LOSE_ANSWER])
def test_a_cut_connection_is_replaced(world: World, proxy: DatabaseProxy, fault: Fault) -> None:
    for pattern in (b"BEGIN", WRITE, COMMIT):
        world.post_until_taken(world.events(20, KEYS))
        proxy.arm(pattern, fault)
        world.deliver_all()
        assert not proxy.armed
    world.check()


def test_a_silent_connection_is_given_up_in_time(world: World, proxy: DatabaseProxy) -> None:
    world.post_until_taken(world.events(5))
    world.fetch()
    (shard,) = world.ready()
    first = shard.checkpoint
    proxy.arm(WRITE, Fault.STALL)
    assert world.deliver(shard, 10, HURRIED) == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert not proxy.outwaited
    world.deliver_all()
    world.check()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_is_down_and_comes_back(
    world: World, postgres: PostgresServer, mode: str
) -> None:
    world.post_until_taken(world.events(10, ["a"]))
    world.deliver_all()
    world.post_until_taken(world.events(10, ["a"]))
    world.fetch()
    (shard,) = world.ready()
    first = shard.checkpoint
    postgres.stop(mode)
    try:
        answer = world.deliver(shard, 10, HURRIED)
        assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}
    finally:
        postgres.start()
    world.deliver_all()
    world.reconnect_oracle()
    world.check()


def test_an_environment_that_is_killed_in_a_transaction(
    world: World, database: extensions.connection
) -> None:
    world.post_until_taken(world.events(10, ["a"]))
    world.fetch()
    (shard,) = world.ready()
    holder = psycopg2.connect(database.dsn)
    with ThreadPoolExecutor() as pool, holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE logs IN ACCESS EXCLUSIVE MODE")
        answer = pool.submit(world.sink, {"Records": shard.records}, Context())
        wait_for(database, "wait_event_type = 'Lock'", "local-consumers-log_sink")
        kill_one("consumers.log_sink.handler.log_sink")
        with pytest.raises(InvocationFailed, match="signal: killed"):
            answer.result()
    holder.close()
    world.deliver_all()
    world.check()


def test_a_deployment_that_cannot_work_is_said_in_one_sentence(
    world: World, database: extensions.connection
) -> None:
    world.post_until_taken(world.events(5))
    world.fetch()
    (shard,) = world.ready()
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE logs RENAME TO elsewhere")
        with pytest.raises(InvocationFailed, match=r"invoke consumers\.migrate"):
            world.sink({"Records": shard.records}, Context())
        cursor.execute("ALTER TABLE elsewhere RENAME TO logs")
    world.deliver_all()
    world.check()


@pytest.mark.parametrize(
    "fault", [THROTTLE, GARBAGE, LoseAnswer(), Refuse(lambda place: place % 2 == 0)], ids=str
)
def test_what_kinesis_refuses_is_sent_again(world: World, front: KinesisFront, fault: Any) -> None:
    for _ in range(3):
        front.faults.append(fault)
        assert world.post(world.events(50, KEYS)) == []
    world.deliver_all()
    world.check()


def test_a_batch_whose_answer_was_lost_and_a_shard_that_is_split(world: World) -> None:
    world.post_until_taken(world.events(30, KEYS))
    world.fetch()
    for shard in world.ready():
        world.sink({"Records": list(shard.records)}, Context())  # Lambda never learns of it
    world.reshard()
    world.post_until_taken(world.events(30, KEYS))
    world.new_sink()
    world.deliver_all()
    world.check()


def test_everything_at_once(
    seed: int,
    world: World,
    packaged: Packaged,
    proxy: DatabaseProxy,
    front: KinesisFront,
    database: extensions.connection,
) -> None:
    Schedule(seed, world, proxy, front, database, packaged.kill_next).run(EVENTS)
    print(f"seed {seed}: {len(world.sent)} events sent, {world.bad.total()} in quarantine")
