"""Rules of "Resharding a stream", in the Kinesis Data Streams developer guide: the records of a
parent come before those of its children."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.cloud import Cloud
from tests.local.streams import Sink, keys_of_first_shard, put, until

type Run = Callable[..., None]

WAIT_UNTIL = "while not os.path.exists({path!r}): time.sleep(0.01)"
MIDDLE = {"split": str(2**126), "end": str(2**127)}


async def reshard(cloud: Cloud, call: str, **arguments: Any) -> None:
    method = getattr(cloud.kinesis.client, call)
    await asyncio.to_thread(method, StreamName="local-tests", **arguments)


def shards_of(sink: Sink) -> list[str]:
    return [event["Records"][0]["eventID"][:20] for event in sink.events]


def test_children_of_a_split_begin_after_their_parent(run: Run, sink: Sink, tmp_path: Path) -> None:
    go = tmp_path / "go"
    sink.package(WAIT_UNTIL.format(path=str(go)), batch_size=1)
    key = keys_of_first_shard(1)[0]

    async def test(cloud: Cloud) -> None:
        await put(cloud, key, "a", "b")
        await until(lambda: len(sink.events) == 1)
        await reshard(
            cloud,
            "split_shard",
            ShardToSplit="shardId-000000000000",
            NewStartingHashKey=MIDDLE["split"],
        )
        await put(cloud, key, "c", "d")
        await asyncio.sleep(1.2)  # long enough for new shards to be found
        assert len(cloud.pollers) == 2
        go.touch()
        await until(lambda: "d" in sink.datas)

    run(test)
    assert sink.datas == ["a", "b", "c", "d"]
    parent, child = shards_of(sink)[0], shards_of(sink)[-1]
    assert shards_of(sink) == [parent, parent, child, child]
    assert child > parent


def test_the_child_of_a_merge_begins_after_both_parents(
    run: Run, sink: Sink, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    blocked = f"if 'a' in datas:\n        {WAIT_UNTIL.format(path=str(go))}"
    sink.package(blocked, batch_size=1)
    key = keys_of_first_shard(1)[0]

    async def test(cloud: Cloud) -> None:
        await put(cloud, key, "a")
        await until(lambda: len(sink.events) == 1)
        await reshard(
            cloud,
            "merge_shards",
            ShardToMerge="shardId-000000000000",
            AdjacentShardToMerge="shardId-000000000001",
        )
        await put(cloud, key, "b")
        await asyncio.sleep(1.2)  # long enough for new shards to be found
        assert sink.datas == ["a"]
        go.touch()
        await until(lambda: sink.datas == ["a", "b"])

    run(test)
    assert shards_of(sink)[1] == "shardId-000000000002"


def test_a_finished_parent_stays_finished_after_a_restart(run: Run, sink: Sink) -> None:
    sink.package()
    key = keys_of_first_shard(1)[0]

    async def split(cloud: Cloud) -> None:
        await put(cloud, key, "a")
        await reshard(
            cloud,
            "split_shard",
            ShardToSplit="shardId-000000000000",
            NewStartingHashKey=MIDDLE["split"],
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
