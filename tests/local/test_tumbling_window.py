"""Rules of "Implementing stateful Kinesis Data Streams processing in Lambda", in the Lambda
developer guide.

The tests that `consume` also run against AWS: see docs/local-cloud.md.
"""

import time

import pytest

from local.tumbling_window import Window, window_of
from tests.local.consumers import Consume, Consumer, until

COUNT = 'return {"state": {"count": event["state"].get("count", 0) + len(datas)}}'
# What the function can put on another stream is less than 1 MB.
WITHOUT_STATE = '{**event, "state": {} if event["state"] == {} else "not empty"}'


def finals(consumer: Consumer) -> list[int]:
    return [event["state"]["count"] for event in consumer.events if event["isFinalInvokeForWindow"]]


def test_windows_begin_at_whole_multiples_of_their_length() -> None:
    window = window_of(1607497475.5, 120)
    assert window.fields("shard", "arn", final=False)["window"] == {
        "start": "2020-12-09T07:04:00Z",
        "end": "2020-12-09T07:06:00Z",
    }
    assert window.holds(window.start)
    assert not window.holds(window.end)


def test_the_state_is_handed_on_and_ends_with_the_window(consume: Consume) -> None:
    consumer = consume(COUNT, TumblingWindowInSeconds=2, BatchSize=1)
    consumer.put("key", "a", "b", "c")
    until(lambda: sum(finals(consumer)) == 3)
    consumer.put("key", "d")
    until(lambda: sum(finals(consumer)) == 4)
    last = consumer.events[-1]
    assert (last["Records"], last["isFinalInvokeForWindow"]) == ([], True)
    assert last["state"] == {"count": 1}
    assert last["shardId"].startswith("shardId-")
    assert last["eventSourceARN"] == consumer.stream_arn
    assert last["isWindowTerminatedEarly"] is False


def test_a_batch_ends_with_its_window(consume: Consume) -> None:
    consumer = consume(COUNT, TumblingWindowInSeconds=1, Enabled=False)
    consumer.put("key", "a")
    time.sleep(1.1)
    consumer.put("key", "b")
    consumer.update(Enabled=True)
    until(lambda: finals(consumer) == [1, 1])
    assert consumer.batches == [["a"], [], ["b"], []]


def test_an_answer_without_state_is_a_failed_invocation(consume: Consume) -> None:
    consumer = consume("pass", TumblingWindowInSeconds=900, before=("a",))
    until(lambda: consumer.batches[:2] == [["a"], ["a"]])


def test_a_state_over_1_mb_ends_the_window_early(consume: Consume) -> None:
    consumer = consume(
        'return {"state": "x" * 1024 * 1024}',
        observed=WITHOUT_STATE,
        TumblingWindowInSeconds=900,
        before=("a",),
    )
    until(lambda: len(consumer.events) == 2)
    consumer.put("key", "b")
    until(lambda: len(consumer.events) == 4)
    first, early, second, _ = consumer.events
    assert (early["Records"], early["isWindowTerminatedEarly"]) == ([], True)
    assert second["state"] == {}
    assert second["window"] == first["window"]


def test_a_function_that_fails_at_the_end_of_a_window_is_invoked_until_it_succeeds(
    consume: Consume,
) -> None:
    fails = "global failed\n    if not datas and not failed: failed = True; raise ValueError\n    "
    consumer = consume(f"{fails}{COUNT}\nfailed = False", TumblingWindowInSeconds=1)
    consumer.put("key", "a")
    until(lambda: finals(consumer) == [1, 1])


@pytest.mark.parametrize(("length", "full"), [(1024 * 1024 - 2, False), (1024 * 1024, True)])
def test_a_state_may_have_1_mb(length: int, full: bool) -> None:
    assert Window(0, 60, "x" * length).is_full is full
