"""One shard of an event source mapping: reads it, and keeps the checkpoint.

Source: "Polling and batching streams" and "Parallelization factor" in the Lambda developer guide.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from local import event_filter
from local.checkpoints import Checkpoint, Checkpoints
from local.event_source_mapping_batch import arrival
from local.event_source_mapping_configuration import EventSourceMappingConfiguration
from local.event_source_mapping_lane import Lane
from local.function import Function
from local.kinesis import Kinesis
from local.tumbling_window import Window

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

POLL_SECONDS = 0.2  # Lambda polls a shard once a second; a person at a laptop waits for it
MAXIMUM_WAITING = 10_000  # records read and not yet delivered
MAXIMUM_WAITING_BYTES = 50 * 1024 * 1024


class ShardPoller:
    """Reads a shard into its lanes, one for each concurrent batch that the mapping allows.

    A partition key always goes to the same lane, which keeps the order of its records. A lane that
    is blocked holds up the other lanes only when very much has been read past it.
    """

    def __init__(
        self,
        kinesis: Kinesis,
        shard_id: str,
        start: dict[str, Any],
        configuration: EventSourceMappingConfiguration,
        function: Function,
        checkpoints: Checkpoints,
    ) -> None:
        self.shard_id = shard_id
        self.stream = configuration.stream
        self.delivered = 0
        self.discarded = 0
        self._kinesis = kinesis
        self._start = start
        self._checkpoints = checkpoints
        self._checkpoint = checkpoints.read(shard_id)
        self._patterns = [event_filter.parse(pattern) for pattern in configuration.filters]
        self._lanes = [
            Lane(self, configuration, function, self._checkpoint.window, kinesis)
            for _ in range(configuration.parallelization_factor)
        ]
        self._undelivered: dict[str, RecordTypeDef] = {}  # in the order of the shard
        self._undelivered_bytes = 0
        self._last_read: str | None = None
        self._has_room = asyncio.Event()

    @property
    def iterator_age(self) -> float:
        """Seconds that the oldest record read and not yet delivered has waited."""
        oldest = next(iter(self._undelivered.values()), None)
        return 0.0 if oldest is None else time.time() - arrival(oldest)

    @property
    def waiting(self) -> int:
        """Records read and not yet delivered."""
        return len(self._undelivered)

    @property
    def retries(self) -> int:
        return sum(lane.retries for lane in self._lanes)

    async def run(self) -> None:
        """Runs until the shard is closed and everything in it is delivered."""
        async with asyncio.TaskGroup() as tasks:
            for lane in self._lanes:
                tasks.create_task(lane.run())
            await self._read_to_the_end()
            for lane in self._lanes:
                lane.end()
        self._write(Checkpoint(finished=True))

    async def finish_invocations(self) -> None:
        """Waits for the invocations that run; no other begins."""
        for lane in self._lanes:
            await lane.invoking.acquire()

    def done(self, records: Iterable[RecordTypeDef], window: Window | None) -> None:
        """A lane has no more to do with these records; `window` is what it has open after them."""
        for record in records:
            del self._undelivered[record["SequenceNumber"]]
            self._undelivered_bytes -= len(record["Data"])
        self._has_room.set()
        self._write_position(window)

    async def _read_to_the_end(self) -> None:
        iterator = await self._iterator()
        while iterator is not None:
            while self._is_full():
                self._has_room.clear()
                await self._has_room.wait()
            began = time.time()
            response = await asyncio.to_thread(
                self._kinesis.client.get_records, ShardIterator=iterator
            )
            for record in response["Records"]:
                self._take(record)
            read_until = began - response["MillisBehindLatest"] / 1000
            for lane in self._lanes:
                lane.notify(read_until)
            iterator = response.get("NextShardIterator")
            if response["MillisBehindLatest"] == 0:
                await asyncio.sleep(POLL_SECONDS)

    async def _iterator(self) -> str | None:
        position = self._start
        if self._checkpoint.iterator_type is not None:
            position = {
                "ShardIteratorType": self._checkpoint.iterator_type,
                "StartingSequenceNumber": self._checkpoint.sequence_number,
            }
        response = await asyncio.to_thread(
            self._kinesis.client.get_shard_iterator,
            StreamName=self.stream,
            ShardId=self.shard_id,
            **position,
        )
        return response["ShardIterator"]

    def _is_full(self) -> bool:
        return (
            len(self._undelivered) >= MAXIMUM_WAITING
            or self._undelivered_bytes >= MAXIMUM_WAITING_BYTES
        )

    def _take(self, record: RecordTypeDef) -> None:
        self._last_read = record["SequenceNumber"]
        if event_filter.passes(record["Data"], self._patterns):
            self._undelivered[record["SequenceNumber"]] = record
            self._undelivered_bytes += len(record["Data"])
            key = hashlib.md5(record["PartitionKey"].encode(), usedforsecurity=False).digest()
            self._lanes[int.from_bytes(key) % len(self._lanes)].records.append(record)

    def _write_position(self, window: Window | None) -> None:
        first = next(iter(self._undelivered), None)
        if first is None:
            self._write(Checkpoint("AFTER_SEQUENCE_NUMBER", self._last_read, window=window))
        else:
            self._write(Checkpoint("AT_SEQUENCE_NUMBER", first, window=window))

    def _write(self, checkpoint: Checkpoint) -> None:
        self._checkpoints.write(self.shard_id, checkpoint)
