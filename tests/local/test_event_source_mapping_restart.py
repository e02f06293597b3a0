"""What an event source mapping of a function in `dist/` needs, and keeps across restarts."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import Cloud
from local.errors import LocalCloudError
from tests.local.consumers import keys_of_first_shard
from tests.local.streams import (
    REFUSE_BAD,
    REPORT_BAD,
    Sink,
    put,
    until,
)

type Package = Callable[..., None]
type Run = Callable[..., None]


def delivered(cloud: Cloud) -> int:
    return sum(poller.delivered for poller in cloud.pollers)


def deliver(sink: Sink, key: str, *datas: str) -> Callable[[Cloud], Any]:
    """A test that puts records and waits for the last of them."""

    async def test(cloud: Cloud) -> None:
        await put(cloud, key, *datas)
        await until(lambda: datas[-1] in sink.datas)
        await until(lambda: all(poller.waiting == 0 for poller in cloud.pollers))

    return test


def test_a_filter_that_can_not_be_read_keeps_the_cloud_from_starting(run: Run, sink: Sink) -> None:
    sink.package(filters=['{"data": "ERROR"}'])
    with pytest.raises(LocalCloudError, match=r"tests\.sink has the filter .* needs a list"):
        run(lambda cloud: asyncio.sleep(0))


def test_a_deleted_stream_ends_its_mapping_and_nothing_else(run: Run, sink: Sink) -> None:
    sink.package()

    async def test(cloud: Cloud) -> None:
        watching = asyncio.create_task(cloud.watch())
        await deliver(sink, "key", "a")(cloud)
        await asyncio.to_thread(cloud.kinesis.client.delete_stream, StreamName="local-tests")
        await asyncio.sleep(1.5)  # long enough for the next read and the next look for shards
        assert not watching.done()
        watching.cancel()

    run(test)


def test_checkpoints_survive_a_restart(run: Run, sink: Sink) -> None:
    sink.package()
    run(deliver(sink, "key", "a", "b"))
    run(deliver(sink, "key", "c"))
    assert sink.datas == ["a", "b", "c"]


@pytest.mark.parametrize("parallelization_factor", [1, 3])
def test_what_is_not_delivered_at_the_end_is_delivered_after_a_restart(
    run: Run, sink: Sink, parallelization_factor: int
) -> None:
    sink.package(REPORT_BAD, parallelization_factor=parallelization_factor)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "good", "bad", "last")
        await until(lambda: delivered(cloud) == 1)

    run(test)
    before = len(sink.batches)
    sink.package(parallelization_factor=parallelization_factor)
    run(deliver(sink, "key", "new"))
    after = [each for batch in sink.batches[before:] for each in batch]
    assert after == ["bad", "last", "new"]


def test_a_discarded_record_does_not_come_back_after_a_restart(run: Run, sink: Sink) -> None:
    sink.package(REFUSE_BAD, batch_size=1, maximum_retry_attempts=0)

    def until_delivered(*datas: str) -> Callable[[Cloud], object]:
        async def test(cloud: Cloud) -> None:
            await put(cloud, "key", *datas)
            await until(lambda: datas[-1] in sink.datas)
            await until(lambda: all(poller.waiting == 0 for poller in cloud.pollers))

        return test

    run(until_delivered("bad", "a"))
    run(until_delivered("b"))
    assert sink.datas == ["bad", "a", "b"]


def test_latest_includes_what_comes_while_the_local_cloud_is_stopped(
    package: Package, run: Run, sink: Sink
) -> None:
    package("tests.one", "", permissions={"writes_to": ["tests"], "database": None})
    run(lambda cloud: put(cloud, "key", "before"))
    sink.package(starting_position="LATEST")
    run(lambda cloud: asyncio.sleep(1))
    (package("tests.sink", ""))  # the mapping is gone while the next record comes
    run(lambda cloud: put(cloud, "key", "while it was stopped"))
    sink.package(starting_position="LATEST")
    run(deliver(sink, "key", "after"))
    assert sink.datas == ["while it was stopped", "after"]


def test_a_finished_parent_stays_finished_after_a_restart(run: Run, sink: Sink) -> None:
    sink.package()
    (key,) = keys_of_first_shard(1)

    async def split(cloud: Cloud) -> None:
        await put(cloud, key, "a")
        await asyncio.to_thread(
            cloud.kinesis.client.split_shard,
            StreamName="local-tests",
            ShardToSplit="shardId-000000000000",
            NewStartingHashKey=str(2**126),
        )
        await put(cloud, key, "b")
        await until(lambda: sink.datas == ["a", "b"])
        await until(lambda: all(poller.waiting == 0 for poller in cloud.pollers))

    async def after(cloud: Cloud) -> None:
        await put(cloud, key, "c")
        await until(lambda: "c" in sink.datas)
        assert "shardId-000000000000" not in [poller.shard_id for poller in cloud.pollers]

    run(split)
    run(after)
    assert sink.datas == ["a", "b", "c"]


def test_the_state_of_a_window_survives_a_restart(run: Run, sink: Sink) -> None:
    count = 'return {"state": {"count": event["state"].get("count", 0) + 1}}'
    sink.package(count, tumbling_window=900)

    def put_and_wait(data: str) -> Callable[[Cloud], object]:
        async def test(cloud: Cloud) -> None:
            await put(cloud, "key", data)
            await until(lambda: [data] in sink.batches)
            await until(lambda: all(poller.waiting == 0 for poller in cloud.pollers))

        return test

    run(put_and_wait("a"))
    run(put_and_wait("b"))
    assert [event["state"].get("count", 0) for event in sink.events] == [0, 1]
