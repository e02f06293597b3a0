"""Event source mappings: batches of a stream's records go to the function that consumes them.

Source: "Using AWS Lambda with Amazon Kinesis Data Streams" and "Configuring partial batch response
with Kinesis Data Streams and Lambda" in the Lambda developer guide. What this does not do yet: a
batch is never given up or bisected, and a shard has one batch in flight at a time.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from local import account
from local.function import Function
from local.invocation import MAXIMUM_PAYLOAD, InvocationResult
from local.kinesis import Kinesis
from local.manifest import StreamTrigger

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

POLL_SECONDS = 0.2  # Lambda polls a shard once a second; a person at a laptop waits for it
ENVELOPE = 1024  # bytes of a record in an event beyond its data, at most about this


class ShardPoller:
    """Delivers the records of one shard in order, again and again until the function takes them."""

    def __init__(
        self, kinesis: Kinesis, shard_id: str, trigger: StreamTrigger, function: Function
    ) -> None:
        self.shard_id = shard_id
        self.stream = trigger.stream
        self.delivered = 0
        self.retries = 0
        self._kinesis = kinesis
        self._trigger = trigger
        self._function = function
        self._iterator = ""
        self._records: list[RecordTypeDef] = []  # read from the shard, not yet delivered
        self._draining = False

    @property
    def iterator_age(self) -> float:
        """Seconds that the oldest record read and not yet delivered has waited."""
        if not self._records:
            return 0.0
        return time.time() - self._records[0]["ApproximateArrivalTimestamp"].timestamp()

    @property
    def waiting(self) -> int:
        """Records read and not yet delivered."""
        return len(self._records)

    def drain(self) -> None:
        """Lets `run` end once everything in the shard is delivered, without waiting for more."""
        self._draining = True

    async def run(self) -> None:
        response = await asyncio.to_thread(
            self._kinesis.client.get_shard_iterator,
            StreamName=account.stream_name(self.stream),
            ShardId=self.shard_id,
            ShardIteratorType=self._trigger.starting_position,
        )
        self._iterator = response["ShardIterator"]
        while size := await self._gather():
            await self._deliver(size)

    async def _gather(self) -> int:
        """The size of the next batch: full, or what came in the batching window; 0 at the end."""
        window_ends = float("inf")
        while True:
            size = batch_length([len(r["Data"]) for r in self._records], self._trigger.batch_size)
            is_full = size == self._trigger.batch_size or size < len(self._records)
            if is_full or time.monotonic() >= window_ends:
                return size
            if not await self._read(self._trigger.batch_size - size):
                if self._draining:
                    return size
                if not self._records or time.monotonic() < window_ends:
                    await asyncio.sleep(POLL_SECONDS)
            if self._records and window_ends == float("inf"):
                window_ends = time.monotonic() + self._trigger.batching_window

    async def _read(self, limit: int) -> bool:
        response = await asyncio.to_thread(
            self._kinesis.client.get_records, ShardIterator=self._iterator, Limit=limit
        )
        self._iterator = response["NextShardIterator"]
        self._records += response["Records"]
        return bool(response["Records"])

    async def _deliver(self, size: int) -> None:
        failures = 0
        while size:
            batch = self._records[:size]
            event = batch_event(self.stream, self.shard_id, batch)
            result = await self._function.invoke(json.dumps(event).encode())
            done = delivered_count(result, [record["SequenceNumber"] for record in batch])
            del self._records[:done]
            self.delivered += done
            size -= done
            if size:
                failures = 0 if done else failures + 1
                self.retries += 1
                await asyncio.sleep(retry_delay(failures))


def batch_length(sizes: Sequence[int], batch_size: int) -> int:
    """How many of the records fit one batch: by their number, and by Lambda's 6 MB for an event.

    `sizes` are the bytes of the records' data, which an event carries in base64.
    """
    total = 0
    for count, size in enumerate(sizes[:batch_size]):
        total += 4 * ((size + 2) // 3) + ENVELOPE
        if total > MAXIMUM_PAYLOAD and count:
            return count
    return min(len(sizes), batch_size)


def batch_event(stream: str, shard_id: str, records: Sequence[RecordTypeDef]) -> dict[str, Any]:
    """The event that a function gets for a batch of records."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record["PartitionKey"],
                    "sequenceNumber": record["SequenceNumber"],
                    "data": base64.b64encode(record["Data"]).decode(),
                    "approximateArrivalTimestamp": round(
                        record["ApproximateArrivalTimestamp"].timestamp(), 3
                    ),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard_id}:{record['SequenceNumber']}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": f"arn:aws:iam::{account.ACCOUNT_ID}:role/local",
                "awsRegion": account.REGION,
                "eventSourceARN": account.stream_arn(stream),
            }
            for record in records
        ]
    }


def delivered_count(result: InvocationResult, sequence_numbers: Sequence[str]) -> int:
    """How many records of a batch, from its first on, the function is done with.

    The lowest sequence number it reports is where its checkpoint is. A failed invocation, and a
    response that is no list of sequence numbers of this batch, fail all of it.
    """
    if result.failed:
        return 0
    response = json.loads(result.payload)
    if response is None:
        return len(sequence_numbers)
    if not isinstance(response, dict):
        return 0
    failures = response.get("batchItemFailures")
    if failures is None:
        return len(sequence_numbers)
    try:
        return min(
            (sequence_numbers.index(failure["itemIdentifier"]) for failure in failures),
            default=len(sequence_numbers),
        )
    except (KeyError, TypeError, ValueError):
        return 0


def retry_delay(failures: int) -> float:
    """Seconds before a batch is tried again that has failed this often in a row."""
    return float(min(0.1 * 2**failures, 10.0))
