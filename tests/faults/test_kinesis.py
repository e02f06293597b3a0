"""A Kinesis that refuses, throttles, fails, forgets to answer and is split in two."""

import gzip
import json
import os
from collections.abc import Callable

import pytest
from psycopg2 import extensions

from shared.stream import ATTEMPT_MILLISECONDS
from tests.faults.kinesis_front import (
    BAD_GATEWAY,
    FAIL,
    GARBAGE,
    THROTTLE,
    Fault,
    KinesisFront,
    LoseAnswer,
    Refuse,
)
from tests.faults.world import World
from tests.fixtures.documents import bad, log
from tests.fixtures.invocation import Context

KEYS = [f"key {n}" for n in range(7)]


@pytest.mark.parametrize(
    "fault",
    [
        THROTTLE,
        FAIL,
        BAD_GATEWAY,
        GARBAGE,
        LoseAnswer(),
        Refuse(lambda place: True),
        Refuse(lambda place: place % 2 == 0),
        Refuse(lambda place: place > 0),
    ],
    ids=str,
)
def test_what_is_refused_once_is_sent_again_in_order(
    world: World, front: KinesisFront, fault: Fault
) -> None:
    for _ in range(3):
        front.faults.append(fault)
        assert world.post(world.events(50, KEYS)) == []
    assert not front.faults
    world.deliver_all()
    world.check()


@pytest.mark.parametrize(
    "fault", [THROTTLE, GARBAGE, LoseAnswer(), Refuse(lambda place: True)], ids=str
)
def test_what_stays_refused_is_told_to_the_client_who_sends_it_again(
    world: World, front: KinesisFront, fault: Fault
) -> None:
    events = world.events(50, KEYS)
    front.faults.append(fault)
    refused = world.post(events, Context(10_000, ATTEMPT_MILLISECONDS))
    assert refused == [event["event_id"] for event in events]
    world.post_until_taken(events)
    world.deliver_all()
    world.check()


def test_an_order_over_several_records_survives_partial_refusals(
    world: World, front: KinesisFront
) -> None:
    events = world.events(60, KEYS[:2])
    for event in events:
        event["attributes"]["noise"] = os.urandom(40_000).hex()
    front.faults += [Refuse(lambda place: place == 0), None, Refuse(lambda place: True)]
    world.post_until_taken(events)
    world.deliver_all(1)  # a transaction for each record tells in which order they came
    world.check()


def test_records_in_flight_when_a_shard_is_split_come_before_its_childrens(world: World) -> None:
    for _ in range(3):
        world.post_until_taken(world.events(30, KEYS))
        world.put_bad(b"not JSON")
        world.fetch()
        for shard in world.ready():
            world.deliver(shard, 1)
        world.reshard()
    world.deliver_all()
    world.check()


def test_duplicates_and_conflicts_wherever_they_are(world: World) -> None:
    events = world.events(20)
    world.post_until_taken(events)
    world.post_until_taken(events)
    world.put_again([*events, *events])
    world.deliver_all()
    world.put_again(events)
    other = json.dumps({**events[0], "message": "other"}).encode()
    world.put_bad(other)
    world.put_bad(other)
    world.deliver_all()
    world.check()


@pytest.mark.parametrize(
    "make",
    [
        lambda document: document,
        lambda document: gzip.compress(document + b"\n"),
        lambda document: gzip.compress(document)[:-3],
        lambda document: b"\x1f\x8b" + document,
    ],
)
def test_records_that_hold_nothing_to_store(world: World, make: Callable[[bytes], bytes]) -> None:
    for document, _ in bad(log()):
        data = make(document)
        if len(data) <= 1024 * 1024:
            world.put_bad(data)
    world.post_until_taken(world.events(20))
    world.deliver_all()
    world.check()


def test_a_clock_that_jumps_costs_neither_events_nor_order(
    world: World, database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's clock cannot be set from a test: what the producer reads of it is."""
    for nanoseconds in (2**61, 0, 2**60, 0):
        monkeypatch.setattr("shared.producer.time.time_ns", lambda now=nanoseconds: now)
        events = world.events(20, KEYS)
        for event in events:
            del event["event_id"], event["occurred_at"]
        assert world.post(events) == []
    world.deliver_all()
    assert len(world.acknowledged) == 80
    world.check()
