"""The local cloud on this machine: what an invocation costs, and what it gets through.

Invocations are held against a plain call of the same function, environments against a bare Python
process, records against reading the same stream without the local cloud.
"""

import asyncio
import io
import itertools
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bench.rows import Row, Say
from local import account
from local.cloud import Cloud, running_cloud
from local.demo_events import log_events
from local.manifest import MACHINE, PYTHON

INVOCATIONS = 300
RECORDS = 10_000
EVENTS = 10_000
EMPTY = "measured-empty"
SINK = account.deployed_name("consumers.log_sink")
STREAM = "measured"
SOURCE = "def handler(event, context): pass"


def rows(functions: Path, say: Say) -> Iterator[Row]:
    """Runs the local cloud, twice, with all functions and an empty one."""
    return iter(asyncio.run(_rows(functions, say)))


async def _rows(functions: Path, say: Say) -> Sequence[Row]:
    with tempfile.TemporaryDirectory(prefix="local-cloud-") as directory:
        say("starting the local cloud")
        starts = []
        for _ in range(2):
            started = time.perf_counter()
            async with running_cloud(functions, Path(directory), 0, lambda *_: None):
                starts.append(time.perf_counter() - started)
        first, again = starts
        measured = [Row("start, state from before", "first start", "s", [again], [first])]
        async with running_cloud(functions, Path(directory), 0, lambda *_: None) as cloud:
            await asyncio.to_thread(_create_empty_function, cloud)
            say("invoking an empty function")
            measured += await _invocations(cloud)
            measured += await _memory(cloud)
            say("delivering records")
            measured += [await _empty_records(cloud), await _sink_events(cloud)]
    return measured


async def _invocations(cloud: Cloud) -> list[Row]:
    plain: dict[str, Any] = {}
    exec(SOURCE, plain)
    client = account.lambda_client(cloud.url)

    async def call() -> None:
        plain["handler"]({}, None)

    async def invoke() -> None:
        await cloud.functions[EMPTY].invoke(b"{}")

    async def invoke_with_sdk() -> None:
        await asyncio.to_thread(client.invoke, FunctionName=EMPTY, Payload="{}")

    await invoke()  # a cold start is another benchmark's
    calls = await _milliseconds(call)
    return [
        Row("warm invocation", "a plain call", "ms", await _milliseconds(invoke), calls),
        Row("with boto3", "a plain call", "ms", await _milliseconds(invoke_with_sdk), calls),
    ]


async def _milliseconds(call: Callable[[], Awaitable[None]]) -> list[float]:
    samples = []
    for _ in range(INVOCATIONS):
        started = time.perf_counter()
        await call()
        samples.append((time.perf_counter() - started) * 1000)
    return samples


async def _memory(cloud: Cloud) -> list[Row]:
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as bare:
        await asyncio.sleep(1)
        python = _resident(bare.pid)
        bare.kill()
    measured = []
    for name in ("an empty function", "producers.log_event", "consumers.read_table"):
        function = cloud.functions.get(account.deployed_name(name), cloud.functions[EMPTY])
        await function.invoke(b"{}")
        resident = _resident(_environment_of(function.name))
        measured.append(Row(f"memory of {name}", "a bare Python", "MB", [resident], [python]))
    return measured


def _environment_of(function_name: str) -> int:
    """The process of the function's environment."""
    mark = f"AWS_LAMBDA_FUNCTION_NAME={function_name}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                return int(process.name)
        except OSError:
            continue  # it has ended, or is another user's
    raise RuntimeError(f"{function_name} has no execution environment.")


def _resident(pid: int) -> float:
    match = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1]) / 1024


async def _empty_records(cloud: Cloud) -> Row:
    def put() -> None:
        cloud.kinesis.client.create_stream(StreamName=STREAM, ShardCount=2)
        for numbers in itertools.batched(range(RECORDS), 500, strict=False):
            records: Any = [{"PartitionKey": str(n), "Data": b"x" * 500} for n in numbers]
            cloud.kinesis.client.put_records(StreamName=STREAM, Records=records)

    await asyncio.to_thread(put)
    started = time.perf_counter()
    await asyncio.to_thread(_read, cloud, STREAM)
    without = RECORDS / (time.perf_counter() - started)
    await asyncio.to_thread(
        account.lambda_client(cloud.url).create_event_source_mapping,
        FunctionName=EMPTY,
        EventSourceArn=account.stream_arn(STREAM),
        StartingPosition="TRIM_HORIZON",
        BatchSize=500,
    )
    rate = RECORDS / await _delivered(cloud, STREAM, RECORDS)
    return Row("records to an empty function", "reading them", "records/s", [rate], [without])


async def _sink_events(cloud: Cloud) -> Row:
    client, stream = account.lambda_client(cloud.url), account.stream_name("logs")
    listed = await asyncio.to_thread(client.list_event_source_mappings, FunctionName=SINK)
    (mapping,) = listed["EventSourceMappings"]
    update = client.update_event_source_mapping
    await asyncio.to_thread(update, UUID=mapping["UUID"], Enabled=False)
    async with aiohttp.ClientSession(headers={"X-Api-Key": cloud.api_key}) as session:
        for events in itertools.batched(log_events(EVENTS), 500, strict=False):
            async with session.post(f"{cloud.url}/logs", json=events) as response:
                assert response.status == 202, await response.text()
    started = time.perf_counter()
    records = await asyncio.to_thread(_read, cloud, stream)
    without = EVENTS / (time.perf_counter() - started)
    await asyncio.to_thread(update, UUID=mapping["UUID"], Enabled=True)
    rate = EVENTS / await _delivered(cloud, stream, records)
    return Row("events to the table logs", "reading them", "events/s", [rate], [without])


def _read(cloud: Cloud, stream: str) -> int:
    """Reads all records of the stream; returns their number."""
    kinesis, count = cloud.kinesis.client, 0
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while records := (answer := kinesis.get_records(ShardIterator=iterator))["Records"]:
            count += len(records)
            iterator = answer["NextShardIterator"]
    return count


async def _delivered(cloud: Cloud, stream: str, records: int) -> float:
    """Seconds from now until so many records of the stream are delivered."""
    started = time.perf_counter()
    while sum(each.delivered for each in cloud.pollers if each.stream == stream) < records:
        await asyncio.sleep(0.01)
    return time.perf_counter() - started


def _create_empty_function(cloud: Cloud) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("handler.py", SOURCE)
    definition: Any = {
        "Runtime": PYTHON,
        "Architectures": [MACHINE],
        "Role": account.role_arn(EMPTY),
        "Handler": "handler.handler",
        "Code": {"ZipFile": content.getvalue()},
        "Timeout": 30,
    }
    account.lambda_client(cloud.url).create_function(FunctionName=EMPTY, **definition)
