"""A function that consumes a stream and writes down the events it gets."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.cloud import Cloud

TRIGGER = {
    "type": "stream",
    "stream": "tests",
    "batch_size": 10,
    "batching_window": 0,
    "parallelization_factor": 1,
    "maximum_retry_attempts": -1,
    "maximum_record_age": -1,
    "bisect_on_error": False,
    "tumbling_window": 0,
    "filters": [],
    "on_failure_queue": None,
    "starting_position": "TRIM_HORIZON",
    "starting_position_timestamp": None,
}
SOURCE = """
import base64, json, os, time
def handler(event, context):
    with open({path!r}, "a") as file:
        file.write(json.dumps(event) + "\\n")
    datas = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    numbers = [r["kinesis"]["sequenceNumber"] for r in event["Records"]]
    {answer}
"""
REFUSE_BAD = 'if "bad" in datas: raise ValueError'
REPORT_BAD = (
    'return {"batchItemFailures": '
    '[{"itemIdentifier": n} for n, d in zip(numbers, datas) if d == "bad"]}'
)


class Sink:
    """The function `tests.sink`: packages it, and reads what it has written down."""

    def __init__(self, package: Callable[..., None], directory: Path) -> None:
        self._package = package
        self._path = directory / "events"

    def package(
        self, answer: str = "pass", *, reserved_concurrency: int | None = None, **trigger: Any
    ) -> None:
        """`answer` is what it does then: it has the events' `datas` and sequence `numbers`."""
        self._package(
            "tests.sink",
            SOURCE.format(path=str(self._path), answer=answer),
            timeout=2,
            reserved_concurrency=reserved_concurrency,
            trigger=TRIGGER | trigger,
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    @property
    def batches(self) -> list[list[str]]:
        """The records' data, for each invocation."""
        return [list(map(data, event["Records"])) for event in self.events]

    @property
    def datas(self) -> list[str]:
        return [each for batch in self.batches for each in batch]


def data(record: dict[str, Any]) -> str:
    return base64.b64decode(record["kinesis"]["data"]).decode()


async def put(cloud: Cloud, key: str, *datas: str) -> None:
    """Puts records with this partition key into the stream."""
    await put_all(cloud, [(key, data) for data in datas])


async def put_all(cloud: Cloud, keys_and_datas: list[tuple[str, str]]) -> None:
    """Puts records with their partition keys into the stream, in one request."""
    records: Any = [{"PartitionKey": key, "Data": data.encode()} for key, data in keys_and_datas]
    put_records = cloud.kinesis.client.put_records
    await asyncio.to_thread(put_records, StreamName="local-tests", Records=records)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)
