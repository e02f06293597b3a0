import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cloud import Cloud
from local.event_source_mapping import batch_length, delivered_count, retry_delay
from local.invocation import InvocationResult

type Package = Callable[..., None]
type Run = Callable[..., None]

TRIGGER = {
    "type": "stream",
    "stream": "tests",
    "batch_size": 10,
    "batching_window": 0,
    "parallelization_factor": 1,
    "maximum_retry_attempts": -1,
    "maximum_record_age": -1,
    "bisect_on_error": False,
    "starting_position": "TRIM_HORIZON",
}
NUMBERS = ["100", "101", "102"]


def answer(response: object) -> InvocationResult:
    return InvocationResult(json.dumps(response).encode())


def failures(*identifiers: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}


@pytest.mark.parametrize("response", [None, {}, failures(), {"batchItemFailures": None}])
def test_a_batch_without_failures_is_delivered(response: object) -> None:
    assert delivered_count(answer(response), NUMBERS) == 3


@pytest.mark.parametrize(
    "response",
    [
        failures(""),
        failures(None),
        failures("999"),
        failures("102", "999"),
        {"batchItemFailures": [{"identifier": "102"}]},
        {"batchItemFailures": ["102"]},
        {"batchItemFailures": 1},
        "done",
        [],
    ],
)
def test_a_batch_with_an_unclear_failure_fails_whole(response: object) -> None:
    assert delivered_count(answer(response), NUMBERS) == 0


def test_a_failed_invocation_fails_the_batch() -> None:
    assert delivered_count(InvocationResult(b"{}", failed=True), NUMBERS) == 0


@given(st.sets(st.sampled_from(NUMBERS), min_size=1), st.randoms())
def test_the_lowest_failure_is_the_checkpoint(failed: set[str], random: Any) -> None:
    shuffled = random.sample(sorted(failed), len(failed))
    assert delivered_count(answer(failures(*shuffled)), NUMBERS) == NUMBERS.index(min(failed))


@given(st.lists(st.integers(0, 1024 * 1024)), st.integers(1, 500))
def test_a_batch_is_as_long_as_both_limits_allow(sizes: list[int], batch_size: int) -> None:
    def event_bytes(count: int) -> int:
        return sum(len(base64.b64encode(bytes(size))) for size in sizes[:count])

    length = batch_length(sizes, batch_size)
    assert length <= batch_size
    assert length or not sizes
    assert length <= 1 or event_bytes(length) <= 6 * 1024 * 1024
    if length < min(len(sizes), batch_size):
        assert event_bytes(length + 1) + 1024 * (length + 1) > 6 * 1024 * 1024


def test_retries_come_slower_and_slower_but_never_stop() -> None:
    delays = [retry_delay(failures) for failures in range(20)]
    assert delays == sorted(delays)
    assert max(delays) == 10


RECORDING = """
import base64, json, os
def handler(event, context):
    for record in event["Records"]:
        data = base64.b64decode(record["kinesis"]["data"]).decode()
        with open({path!r}, "a") as file:
            file.write(json.dumps([record["eventID"][:20], data, record]) + "\\n")
        if data == "bad" and not os.path.exists({path!r} + ".fixed"):
            number = record["kinesis"]["sequenceNumber"]
            return {{"batchItemFailures": [{{"itemIdentifier": number}}]}}
"""


def seen(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def put(cloud: Cloud, key: str, *datas: str) -> None:
    """Puts records with this partition key into the stream."""
    assert cloud.kinesis is not None
    records: Any = [{"Data": data.encode(), "PartitionKey": key} for data in datas]
    put_records = cloud.kinesis.client.put_records
    await asyncio.to_thread(put_records, StreamName="local-tests", Records=records)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
def received(package: Package, tmp_path: Path) -> Path:
    """Where a function with the stream's mapping writes the records it gets, one a line."""
    path = tmp_path / "received"
    package("tests.sink", RECORDING.format(path=str(path)), trigger=TRIGGER)
    return path


def test_a_record_has_the_fields_of_aws(run: Run, received: Path) -> None:
    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "one")
        await until(lambda: len(seen(received)) == 1)
        ((_, _, record),) = seen(received)
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
        assert kinesis["partitionKey"] == "key"
        assert base64.b64decode(kinesis["data"]) == b"one"
        assert kinesis["kinesisSchemaVersion"] == "1.0"
        assert isinstance(kinesis["approximateArrivalTimestamp"], float)

    run(test)


def test_a_failed_record_is_tried_again_from_there_and_blocks_only_its_shard(
    run: Run, received: Path
) -> None:
    async def test(cloud: Cloud) -> None:
        await put(cloud, "a", "first", "bad", "last")
        await until(lambda: cloud.pollers[0].retries + cloud.pollers[1].retries > 1)
        await put(cloud, "b", "other shard")
        await until(lambda: "other shard" in [data for _, data, _ in seen(received)])
        received.with_name("received.fixed").touch()
        await until(lambda: sum(poller.waiting for poller in cloud.pollers) == 0)
        shards = {shard for shard, _, _ in seen(received)}
        assert len(shards) == 2
        of_a = [data for _, data, _ in seen(received) if data != "other shard"]
        assert (of_a[:2], of_a[-2:]) == (["first", "bad"], ["bad", "last"])
        assert of_a.count("first") == of_a.count("last") == 1

    run(test)


def test_batches_have_the_size_and_order_of_the_stream(run: Run, received: Path) -> None:
    async def test(cloud: Cloud) -> None:
        datas = [str(number) for number in range(25)]
        await put(cloud, "key", *datas)
        await until(lambda: sum(poller.delivered for poller in cloud.pollers) == 25)
        assert [data for _, data, _ in seen(received)] == datas
        assert cloud.functions["tests.sink"].invocations == 3

    run(test)


def test_what_is_in_the_stream_at_the_end_is_still_delivered(
    package: Package, run: Run, received: Path
) -> None:
    slow = TRIGGER | {"batching_window": 300}
    package("tests.sink", RECORDING.format(path=str(received)), trigger=slow)
    run(lambda cloud: put(cloud, "key", "late"))
    assert [data for _, data, _ in seen(received)] == ["late"]
