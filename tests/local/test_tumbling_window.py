"""Rules of "Implementing stateful Kinesis Data Streams processing in Lambda", in the Lambda
developer guide."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local.cloud import Cloud
from local.tumbling_window import Window, window_of
from tests.local.streams import Sink, put, until

type Run = Callable[..., None]

COUNT = 'return {"state": {"count": event["state"].get("count", 0) + len(datas)}}'


def counts(sink: Sink) -> list[int]:
    return [event["state"].get("count", 0) for event in sink.events]


def finals(sink: Sink) -> list[int]:
    return [event["state"]["count"] for event in sink.events if event["isFinalInvokeForWindow"]]


def test_windows_begin_at_whole_multiples_of_their_length() -> None:
    window = window_of(1607497475.5, 120)
    assert window.fields("shard", "arn", final=False)["window"] == {
        "start": "2020-12-09T07:04:00Z",
        "end": "2020-12-09T07:06:00Z",
    }
    assert window.holds(window.start)
    assert not window.holds(window.end)


def test_the_state_is_handed_on_and_ends_with_the_window(run: Run, sink: Sink) -> None:
    sink.package(COUNT, tumbling_window=2, batch_size=1)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "a", "b", "c")
        await until(lambda: sum(finals(sink)) == 3)
        await put(cloud, "key", "d")
        await until(lambda: sum(finals(sink)) == 4)

    run(test)
    last = sink.events[-1]
    assert (last["Records"], last["isFinalInvokeForWindow"]) == ([], True)
    assert last["state"] == {"count": 1}
    assert last["shardId"].startswith("shardId-")
    assert last["eventSourceARN"].endswith(":stream/local-tests")
    assert last["isWindowTerminatedEarly"] is False


def test_an_answer_without_state_is_a_failed_invocation(run: Run, sink: Sink) -> None:
    sink.package("pass", tumbling_window=900)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "a")
        await until(lambda: sink.batches[:2] == [["a"], ["a"]])

    run(test)


def test_a_state_over_1_mb_ends_the_window_early(run: Run, sink: Sink) -> None:
    sink.package('return {"state": "x" * 1024 * 1024}', tumbling_window=900)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "a")
        await until(lambda: len(sink.events) == 2)
        await put(cloud, "key", "b")
        await until(lambda: len(sink.events) == 4)

    run(test)
    first, early, second, _ = sink.events
    assert (early["Records"], early["isWindowTerminatedEarly"]) == ([], True)
    assert second["state"] == {}
    assert second["window"] == first["window"]


def test_the_state_survives_a_restart(run: Run, sink: Sink) -> None:
    sink.package(COUNT, tumbling_window=900)

    def put_and_wait(data: str) -> Callable[[Cloud], object]:
        async def test(cloud: Cloud) -> None:
            await put(cloud, "key", data)
            await until(lambda: [data] in sink.batches)
            await until(lambda: all(poller.waiting == 0 for poller in cloud.pollers))

        return test

    run(put_and_wait("a"))
    run(put_and_wait("b"))
    assert counts(sink) == [0, 1]


def test_a_function_that_fails_at_the_end_of_a_window_is_invoked_until_it_succeeds(
    run: Run, sink: Sink, tmp_path: Path
) -> None:
    marker = str(tmp_path / "failed")
    fail = (
        f'if not datas and not os.path.exists({marker!r}): open({marker!r}, "w"); raise ValueError'
    )
    sink.package(f"{fail}\n    {COUNT}", tumbling_window=1)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "a")
        await until(lambda: finals(sink) == [1, 1])

    run(test)


@pytest.mark.parametrize(("length", "full"), [(1024 * 1024 - 2, False), (1024 * 1024, True)])
def test_a_state_may_have_1_mb(length: int, full: bool) -> None:
    assert Window(0, 60, "x" * length).is_full is full
