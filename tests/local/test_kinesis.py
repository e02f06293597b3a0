import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.kinesis import Kinesis, running_kinesis


def put_from_many_threads(kinesis: Kinesis) -> set[int]:
    """Puts 400 records; returns the sequence numbers that were given."""

    def put(number: int) -> int:
        response = kinesis.client.put_record(
            StreamName="local-tests", Data=b"x", PartitionKey="same"
        )
        return int(response["SequenceNumber"])

    with ThreadPoolExecutor(8) as threads:
        return set(threads.map(put, range(400)))


async def put_and_read(directory: Path) -> tuple[set[int], list[int]]:
    with (directory / "log").open("ab") as log:
        async with running_kinesis(["tests"], directory, log) as kinesis:
            put = await asyncio.to_thread(put_from_many_threads, kinesis)
            read = []
            for shard_id in await kinesis.shard_ids("tests"):
                iterator = kinesis.client.get_shard_iterator(
                    StreamName="local-tests", ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
                records = kinesis.client.get_records(ShardIterator=iterator)["Records"]
                read += [int(record["SequenceNumber"]) for record in records]
            return put, read


def test_no_record_is_lost_and_no_sequence_number_comes_back(tmp_path: Path) -> None:
    first, first_read = asyncio.run(put_and_read(tmp_path))
    second, second_read = asyncio.run(put_and_read(tmp_path))
    assert len(first) == len(second) == 400
    assert first_read == sorted(first)
    assert second_read == sorted(second)
    assert max(first) < min(second)
