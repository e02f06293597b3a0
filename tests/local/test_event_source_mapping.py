"""Rules of "How Lambda processes records from Amazon Kinesis Data Streams", in the Lambda developer
guide: the fields of an event, batching, starting positions, order and concurrency."""

import asyncio
import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud
from tests.local.streams import REPORT_BAD, Sink, data, keys_of_first_shard, put, put_all, until

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


def test_a_record_has_the_fields_of_aws(run: Run, sink: Sink) -> None:
    sink.package()
    run(deliver(sink, "key", "one"))
    ((record,),) = (event["Records"] for event in sink.events)
    kinesis = record.pop("kinesis")
    assert record == {
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{record['eventID'][:20]}:{kinesis['sequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/local",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/local-tests",
    }
    assert isinstance(kinesis.pop("approximateArrivalTimestamp"), float)
    assert kinesis.pop("sequenceNumber").isdecimal()
    assert kinesis == {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": "key",
        "data": base64.b64encode(b"one").decode(),
    }


def test_batches_have_at_most_the_batch_size_in_the_order_of_the_shard(
    run: Run, sink: Sink
) -> None:
    sink.package(batch_size=10)
    datas = [str(number) for number in range(25)]
    run(deliver(sink, "key", *datas))
    assert sink.datas == datas
    assert [len(batch) for batch in sink.batches] == [10, 10, 5]


def test_a_batch_that_is_not_full_waits_for_the_batching_window(run: Run, sink: Sink) -> None:
    sink.package(batch_size=2, batching_window=300)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "a", "b", "c")
        await until(lambda: delivered(cloud) == 2)
        await until(lambda: sum(poller.waiting for poller in cloud.pollers) == 1)

    run(test)
    assert sink.batches == [["a", "b"]]


def test_a_batch_is_sent_when_the_batching_window_ends(run: Run, sink: Sink) -> None:
    sink.package(batching_window=1)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "a")
        await until(lambda: sum(poller.waiting for poller in cloud.pollers) == 1)
        await put(cloud, "key", "b")
        await until(lambda: sink.batches == [["a", "b"]])

    run(test)


def test_an_event_has_at_most_6_mb(run: Run, sink: Sink) -> None:
    sink.package(batch_size=100, batching_window=1)
    million = "x" * 1_000_000

    async def test(cloud: Cloud) -> None:
        for _ in range(2):
            await put(cloud, "key", million, million, million)
        await until(lambda: delivered(cloud) == 6)

    run(test)
    assert [len(batch) for batch in sink.batches] == [4, 2]


def test_latest_begins_where_the_stream_ends_when_the_mapping_is_made(
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


def test_at_timestamp_begins_with_the_first_record_from_then_on(
    package: Package, run: Run, sink: Sink
) -> None:
    package("tests.one", "", permissions={"writes_to": ["tests"], "database": None})
    run(lambda cloud: put(cloud, "key", "before"))
    timestamp = int(time.time()) + 1
    time.sleep(timestamp - time.time())
    sink.package(starting_position="AT_TIMESTAMP", starting_position_timestamp=timestamp)
    run(deliver(sink, "key", "after"))
    assert sink.datas == ["after"]


def test_batches_of_one_shard_run_at_the_same_time_up_to_the_parallelization_factor(
    run: Run, sink: Sink, tmp_path: Path
) -> None:
    meet = "p = {!r} + str(len(datas))\n    while not os.path.exists(p): time.sleep(0.01)"
    mark = "open({!r} + str(3 - len(datas)), 'w')"
    place = str(tmp_path / "met")
    sink.package(f"{mark.format(place)}\n    {meet.format(place)}", parallelization_factor=2)
    one, two = keys_of_first_shard(lanes=2)

    async def test(cloud: Cloud) -> None:
        await put(cloud, one, "a")
        await put(cloud, two, "b", "c")
        await until(lambda: delivered(cloud) == 3)

    run(test)
    assert {event["Records"][0]["eventID"][:20] for event in sink.events} == {
        "shardId-000000000000"
    }


def test_order_is_kept_per_partition_key_with_concurrent_batches(run: Run, sink: Sink) -> None:
    sink.package('time.sleep(0.5 * (datas == ["0"]))', parallelization_factor=4, batch_size=1)
    keys = keys_of_first_shard(lanes=4)[:3]
    numbers = [str(number) for number in range(4)]

    async def test(cloud: Cloud) -> None:
        await put_all(cloud, [(key, number) for number in numbers for key in keys])
        await until(lambda: delivered(cloud) == 12)

    run(test)
    records = [record for event in sink.events for record in event["Records"]]
    for key in keys:
        of_key = [data(record) for record in records if record["kinesis"]["partitionKey"] == key]
        assert of_key == numbers


def test_filters_let_only_matching_records_through(run: Run, sink: Sink) -> None:
    sink.package(filters=['{"data": {"level": ["ERROR"]}}'])
    run(deliver(sink, "key", '{"level": "INFO"}', "no JSON", '{"level": "ERROR"}'))
    run(deliver(sink, "key", '{"level": "DEBUG"}', '{ "level": "ERROR" }'))
    assert sink.datas == ['{"level": "ERROR"}', '{ "level": "ERROR" }']


def test_a_blocked_shard_does_not_block_the_others(run: Run, sink: Sink) -> None:
    sink.package(REPORT_BAD)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "a", "bad")
        await until(lambda: sum(poller.retries for poller in cloud.pollers) > 1)
        await put(cloud, "b", "other shard")
        await until(lambda: delivered(cloud) == 1)

    run(test)
    assert "other shard" in sink.datas


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
