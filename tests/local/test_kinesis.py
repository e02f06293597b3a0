"""The emulator: what an acknowledged record may rely on, and the rules of "Resharding a stream" in
the Kinesis Data Streams developer guide."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.kinesis import Kinesis, running_kinesis


def run[T](directory: Path, test: Callable[[Kinesis], T]) -> T:
    """Runs a test with the emulator, which is killed at the end."""

    async def main() -> T:
        with (directory / "log").open("ab") as log:
            async with running_kinesis(directory, log) as kinesis:
                await kinesis.require(["local-tests"], [])
                return await asyncio.to_thread(test, kinesis)

    return asyncio.run(main())


def put(kinesis: Kinesis, data: str = "x", key: str = "same") -> int:
    response = kinesis.client.put_record(
        StreamName="local-tests", Data=data.encode(), PartitionKey=key
    )
    return int(response["SequenceNumber"])


def put_from_many_threads(kinesis: Kinesis) -> set[int]:
    with ThreadPoolExecutor(8) as threads:
        return set(threads.map(lambda _: put(kinesis), range(400)))


def shards(kinesis: Kinesis) -> dict[str, Any]:
    response = kinesis.client.list_shards(StreamName="local-tests")
    return {shard["ShardId"]: shard for shard in response["Shards"]}


def read(kinesis: Kinesis, shard_id: str) -> dict[str, Any]:
    iterator = kinesis.client.get_shard_iterator(
        StreamName="local-tests", ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return dict(kinesis.client.get_records(ShardIterator=iterator))


def numbers(kinesis: Kinesis) -> list[int]:
    records = [record for shard in shards(kinesis) for record in read(kinesis, shard)["Records"]]
    return [int(record["SequenceNumber"]) for record in records]


def test_no_record_is_lost_and_no_sequence_number_comes_back(tmp_path: Path) -> None:
    first = run(tmp_path, put_from_many_threads)
    assert run(tmp_path, numbers) == sorted(first)
    second = run(tmp_path, put_from_many_threads)
    assert len(first) == len(second) == 400
    assert max(first) < min(second)
    assert run(tmp_path, numbers) == sorted(first | second)


def test_a_record_is_the_same_after_a_restart(tmp_path: Path) -> None:
    def records(kinesis: Kinesis) -> list[Any]:
        return [record for shard in shards(kinesis) for record in read(kinesis, shard)["Records"]]

    def put_and_read(kinesis: Kinesis) -> list[Any]:
        put(kinesis, "π")
        return records(kinesis)

    before = run(tmp_path, put_and_read)
    assert run(tmp_path, records) == before


def test_a_stream_is_of_the_region_that_a_request_is_signed_for(tmp_path: Path) -> None:
    def test(kinesis: Kinesis) -> None:
        elsewhere = boto3.client(
            "kinesis",
            endpoint_url=kinesis.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        with pytest.raises(elsewhere.exceptions.ResourceNotFoundException):
            elsewhere.put_records(
                StreamName="local-tests", Records=[{"Data": b"x", "PartitionKey": "any"}]
            )

    run(tmp_path, test)


def test_a_torn_last_line_is_of_no_acknowledged_record(tmp_path: Path) -> None:
    number = run(tmp_path, put)
    journal = tmp_path / "kinesis.journal"
    journal.write_text(journal.read_text() + '{"stream": "local-tests", "record": ["sha')
    assert run(tmp_path, numbers) == [number]


def test_records_are_kept_for_24_hours(tmp_path: Path) -> None:
    def age(line: str) -> str:
        entry = json.loads(line)
        if "record" in entry:
            entry["record"][-1] = time.time() - 24 * 60 * 60 - 1
        return json.dumps(entry) + "\n"

    run(tmp_path, put)
    journal = tmp_path / "kinesis.journal"
    journal.write_text("".join(map(age, journal.read_text().splitlines())))
    assert run(tmp_path, numbers) == []


def test_one_read_returns_at_most_10_mb(tmp_path: Path) -> None:
    def test(kinesis: Kinesis) -> list[int]:
        for _ in range(12):
            put(kinesis, "x" * 1_000_000)
        return [len(read(kinesis, shard)["Records"]) for shard in shards(kinesis)]

    assert sorted(run(tmp_path, test)) == [0, 10]


def test_a_split_parent_keeps_its_records_and_takes_no_more(tmp_path: Path) -> None:
    def test(kinesis: Kinesis) -> None:
        before = put(kinesis)
        (parent,) = (shard for shard in shards(kinesis) if read(kinesis, shard)["Records"])
        start = int(shards(kinesis)[parent]["HashKeyRange"]["StartingHashKey"])
        kinesis.client.split_shard(
            StreamName="local-tests", ShardToSplit=parent, NewStartingHashKey=str(start + 2**126)
        )
        after = put(kinesis)
        children = [s for s in shards(kinesis).values() if s.get("ParentShardId") == parent]
        assert len(children) == 2
        of_children = [read(kinesis, child["ShardId"]) for child in children]
        assert [int(r["SequenceNumber"]) for c in of_children for r in c["Records"]] == [after]
        assert all("NextShardIterator" in child for child in of_children)
        closed = read(kinesis, parent)
        assert [int(record["SequenceNumber"]) for record in closed["Records"]] == [before]
        assert closed.get("NextShardIterator") is None

    run(tmp_path, test)
    assert run(tmp_path, lambda kinesis: len(shards(kinesis))) == 4
    assert len(run(tmp_path, numbers)) == 2


def test_merged_parents_keep_their_records(tmp_path: Path) -> None:
    def test(kinesis: Kinesis) -> None:
        for key in "abcdef":
            put(kinesis, key, key)
        before = numbers(kinesis)
        one, two = shards(kinesis)
        kinesis.client.merge_shards(
            StreamName="local-tests", ShardToMerge=one, AdjacentShardToMerge=two
        )
        assert numbers(kinesis) == before
        last = put(kinesis)
        assert numbers(kinesis) == [*before, last]

    run(tmp_path, test)


def test_put_records_says_where_each_record_is(tmp_path: Path) -> None:
    def test(kinesis: Kinesis) -> None:
        entries: Any = [{"Data": b"%d" % n, "PartitionKey": str(n)} for n in range(9)]
        answer = kinesis.client.put_records(StreamName="local-tests", Records=entries)
        assert answer["FailedRecordCount"] == 0
        for entry, record in zip(entries, answer["Records"], strict=True):
            kept = read(kinesis, record["ShardId"])["Records"]
            found = [r for r in kept if r["SequenceNumber"] == record["SequenceNumber"]]
            assert [(r["Data"], r["PartitionKey"]) for r in found] == [tuple(entry.values())]

    run(tmp_path, test)


def test_a_request_that_is_refused_puts_nothing_and_is_told_why(tmp_path: Path) -> None:
    def test(kinesis: Kinesis) -> None:
        record: Any = {"Data": b"x", "PartitionKey": "same"}
        too_large: Any = {"Data": b"x" * (1024 * 1024 + 1), "PartitionKey": "same"}
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            kinesis.client.put_records(StreamName="local-unknown", Records=[record])
        with pytest.raises(ClientError, match="must have length less than or equal to 500"):
            kinesis.client.put_records(StreamName="local-tests", Records=[record] * 501)
        with pytest.raises(ClientError, match="ValidationException"):
            kinesis.client.put_records(StreamName="local-tests", Records=[record, too_large])
        assert numbers(kinesis) == []

    run(tmp_path, test)
