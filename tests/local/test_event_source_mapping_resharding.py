"""Rules of "Resharding a stream", in the Kinesis Data Streams developer guide: the records of a
parent come before those of its children.

These tests also run against AWS: see docs/local-cloud.md.
"""

import time
from typing import Any

from tests.local.consumers import Consume, Consumer, keys_of_first_shard, until

SECONDS = 2.0  # long enough for new shards to be found
FIRST, SECOND = "shardId-000000000000", "shardId-000000000001"


def reshard(consumer: Consumer, call: str, **arguments: Any) -> None:
    getattr(consumer.account.kinesis, call)(StreamName=consumer.stream, **arguments)
    waiter = consumer.account.kinesis.get_waiter("stream_exists")
    waiter.wait(StreamName=consumer.stream, WaiterConfig={"Delay": 1})


def shards_of(consumer: Consumer) -> list[str]:
    return [event["Records"][0]["eventID"].partition(":")[0] for event in consumer.events]


def test_children_of_a_split_begin_after_their_parent(consume: Consume) -> None:
    # The first record blocks its shard for as long as the second is put into a child.
    consumer = consume('if "a" in datas: time.sleep(8)', BatchSize=1)
    (key,) = keys_of_first_shard(1)
    consumer.put(key, "a", "b")
    until(lambda: consumer.datas == ["a"])
    reshard(consumer, "split_shard", ShardToSplit=FIRST, NewStartingHashKey=str(2**126))
    consumer.put(key, "c", "d")
    until(lambda: "d" in consumer.datas)
    assert consumer.datas == ["a", "b", "c", "d"]
    parent, _, child, _ = shards_of(consumer)
    assert shards_of(consumer) == [parent, parent, child, child]
    assert parent == FIRST < SECOND < child


def test_the_child_of_a_merge_begins_after_both_parents(consume: Consume) -> None:
    consumer = consume('if "a" in datas: time.sleep(8)', BatchSize=1)
    (key,) = keys_of_first_shard(1)
    consumer.put(key, "a", "b")
    until(lambda: consumer.datas == ["a"])
    reshard(consumer, "merge_shards", ShardToMerge=FIRST, AdjacentShardToMerge=SECOND)
    consumer.put(key, "c")
    time.sleep(SECONDS)
    assert "c" not in consumer.datas
    until(lambda: consumer.datas == ["a", "b", "c"])
    assert shards_of(consumer)[:2] == [FIRST, FIRST]
    assert shards_of(consumer)[2] > SECOND
