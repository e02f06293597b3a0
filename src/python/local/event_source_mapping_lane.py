"""A lane of a shard: delivers its records in order, a batch at a time, until each is dealt with.

Source: "Using AWS Lambda with Amazon Kinesis Data Streams" in the Lambda developer guide, its parts
on batching, error handling and tumbling windows.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from local import account
from local import event_source_mapping_batch as batches
from local.event_source_mapping_batch import Batch
from local.event_source_mapping_configuration import EventSourceMappingConfiguration
from local.function import Function
from local.invocation import Invocation, InvocationResult
from local.kinesis import Kinesis
from local.tumbling_window import Window, state_of, window_of

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import RecordTypeDef


class Shard(Protocol):
    """What a lane needs to know of its shard, and tells it."""

    shard_id: str
    stream: str
    delivered: int
    discarded: int

    def done(self, records: Iterable[RecordTypeDef], window: Window | None) -> None: ...


class Lane:
    """Its shard appends to `records`, and says with `notify` how far it has read.

    `window` is the tumbling window that is open, of an earlier run.
    """

    def __init__(
        self,
        shard: Shard,
        configuration: EventSourceMappingConfiguration,
        function: Function,
        window: Window | None,
        kinesis: Kinesis,
    ) -> None:
        self.records: deque[RecordTypeDef] = deque()
        self.retries = 0
        self.invoking = asyncio.Lock()  # who holds it keeps the lane from its next invocation
        self._shard = shard
        self._configuration = configuration
        self._function = function
        self._window = window
        self._kinesis = kinesis
        self._read_until = 0.0  # what arrived before that is in `records` or was
        self._notified = asyncio.Event()
        self._ended = False
        self._request_id = ""  # of the last invocation

    def notify(self, read_until: float) -> None:
        self._read_until = read_until
        self._notified.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._notified.set()

    async def run(self) -> None:
        """Runs until the shard has ended and everything is delivered."""
        while True:
            if size := await self._gather():
                await self._deliver([self.records.popleft() for _ in range(size)])
            elif self._window is not None:
                await self._end_window(self._window)
            else:
                return

    async def _gather(self) -> int:
        """The size of the next batch: full, or what came in the batching window.

        0 when a tumbling window is over or nothing more will come.
        """
        batching_window_ends: float | None = None
        while True:
            self._notified.clear()
            if self._window is not None and self._is_over(self._window):
                return 0
            now = time.monotonic()
            if self.records and batching_window_ends is None:
                batching_window_ends = now + self._configuration.batching_window
            size, is_full = self._next_batch()
            if is_full or self._ended:
                return size
            if batching_window_ends is not None and now >= batching_window_ends:
                return size
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    None if batching_window_ends is None else batching_window_ends - now
                ):
                    await self._notified.wait()

    def _next_batch(self) -> tuple[int, bool]:
        """How many records make the next batch, and whether it can't grow any more."""
        candidates = list(itertools.islice(self.records, self._configuration.batch_size))
        if self._configuration.tumbling_window and candidates:
            window = self._window or self._window_of(candidates[0])
            arrivals = [batches.arrival(record) for record in candidates]
            candidates = candidates[: sum(itertools.takewhile(bool, map(window.holds, arrivals)))]
        size = batches.batch_length(
            [len(r["Data"]) for r in candidates], self._configuration.batch_size
        )
        return size, size == self._configuration.batch_size or size < len(self.records)

    def _window_of(self, record: RecordTypeDef) -> Window:
        return window_of(batches.arrival(record), self._configuration.tumbling_window)

    def _is_over(self, window: Window) -> bool:
        if self.records:
            return not window.holds(batches.arrival(self.records[0]))
        return self._ended or self._read_until >= window.end

    async def _deliver(self, records: Sequence[RecordTypeDef]) -> None:
        if self._configuration.tumbling_window and self._window is None:
            self._window = self._window_of(records[0])
        pending = [Batch(records)]
        result = None
        throttles = 0
        while pending:
            batch = await self._without_expired(pending.pop(0), result)
            if not batch.records:
                continue
            tried = await self._invoke(batch.records, self._window, final=False)
            if tried.throttled:  # no try of the function's: until it is free or the records expire
                pending.insert(0, batch)
                self.retries += 1
                throttles += 1
                await asyncio.sleep(batches.retry_delay(throttles))
                continue
            result, throttles = tried, 0
            delivered = self._accept(batch, result)
            if self._window is not None and self._window.is_full:
                await self._end_window(self._window)
            if delivered < len(batch.records):
                following = batches.after_failure(
                    batch, delivered, bisect=self._configuration.bisect_on_error
                )
                if self._is_exhausted(following[0]):
                    await self._discard(following[0], "RetryAttemptsExhausted", result)
                    continue
                self.retries += 1
                pending[:0] = following
                await asyncio.sleep(batches.retry_delay(0 if delivered else following[0].retries))

    def _accept(self, batch: Batch, result: InvocationResult) -> int:
        """Takes note of what the function did with a batch; returns how many records it took."""
        numbers = [record["SequenceNumber"] for record in batch.records]
        delivered = batches.delivered_count(
            result, numbers, reports_failures=self._configuration.report_batch_item_failures
        )
        if self._window is not None and delivered:
            has_state, state = state_of(result)
            if not has_state:
                return 0
            self._window = msgspec.structs.replace(self._window, state=state)
        if delivered:
            self._shard.delivered += delivered
            self._shard.done(batch.records[:delivered], self._window)
        return delivered

    def _is_exhausted(self, batch: Batch) -> bool:
        limit = self._configuration.maximum_retry_attempts
        return limit != -1 and batch.retries > limit

    async def _without_expired(self, batch: Batch, result: InvocationResult | None) -> Batch:
        count = batches.expired_count(
            batch.records, time.time(), self._configuration.maximum_record_age
        )
        if count:
            expired = replace(batch, records=batch.records[:count])
            await self._discard(expired, "RecordAgeExceeded", result)
        return replace(batch, records=batch.records[count:])

    async def _discard(
        self, batch: Batch, condition: batches.Condition, result: InvocationResult | None
    ) -> None:
        if self._configuration.on_failure_queue is not None:
            document = batches.discarded(
                batch,
                condition,
                function_arn=account.function_arn(
                    self._function.name, self._configuration.qualifier
                ),
                stream=self._shard.stream,
                shard_id=self._shard.shard_id,
                request_id=self._request_id,
                now=time.time(),
                result=result,
            )
            await self._kinesis.send(self._configuration.on_failure_queue, document)
        self._shard.discarded += len(batch.records)
        self._shard.done(batch.records, self._window)

    async def _end_window(self, window: Window) -> None:
        """Invokes the function with the final state, or with one that is too large to go on.

        Nothing else of the shard is processed until that has succeeded.
        """
        failures = 0
        while (await self._invoke([], window, final=not window.is_full)).failed:
            self.retries += 1
            await asyncio.sleep(batches.retry_delay(failures))
            failures += 1
        self._window = msgspec.structs.replace(window, state={}) if window.is_full else None
        self._shard.done([], self._window)

    async def _invoke(
        self, records: Sequence[RecordTypeDef], window: Window | None, *, final: bool
    ) -> InvocationResult:
        event = batches.batch_event(self._shard.stream, self._shard.shard_id, records)
        if window is not None:
            stream_arn = account.stream_arn(self._shard.stream)
            event |= window.fields(self._shard.shard_id, stream_arn, final=final)
        invocation = Invocation(json.dumps(event).encode())
        self._request_id = invocation.request_id
        async with self.invoking:
            return await self._function.run(invocation, self._configuration.qualifier)
