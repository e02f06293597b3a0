"""How often each function runs, and what its streams carry, at a number of events per second."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from local.manifest import HttpTrigger, Manifest, StreamTrigger, streams_of

# "Quotas and limits" in the Kinesis Data Streams developer guide: what a shard takes in a second.
SHARD_BYTES = 1024 * 1024
SHARD_RECORDS = 1000
ON_DEMAND_SHARDS = 4  # what a new stream has
ON_DEMAND_HEADROOM = 2  # an on-demand stream takes twice the peak of the last 30 days
BATCH_BYTES = 6 * 1024 * 1024  # Lambda's limit on an invocation's payload
# "Kinesis batching", Lambda developer guide: without a window a shard is polled once a second.
POLLING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Workload:
    """What comes in, spread evenly over the HTTP producers and over the streams of each."""

    events_per_second: float
    events_per_request: float = 10.0
    event_bytes: float = 800.0  # as JSON
    compressed: float = 0.15  # what gzip leaves of a record; a record holds a request's events
    stream_mode: Literal["ON_DEMAND", "PROVISIONED"] = "ON_DEMAND"


@dataclass(frozen=True, slots=True)
class StreamLoad:
    """What a stream carries."""

    name: str
    events_per_second: float
    records_per_second: float
    record_bytes: float
    shards: int


@dataclass(frozen=True, slots=True)
class FunctionLoad:
    """How often a function runs, and with how many events."""

    manifest: Manifest
    invocations_per_second: float
    events_per_invocation: float


def producers(manifests: Sequence[Manifest]) -> list[Manifest]:
    """The functions that put on streams what comes over HTTP."""
    return [m for m in manifests if isinstance(m.trigger, HttpTrigger) and m.permissions.writes_to]


def streams(manifests: Sequence[Manifest], workload: Workload) -> list[StreamLoad]:
    """The load of each stream that a function writes or reads, by name."""
    sources = producers(manifests)
    events: dict[str, float] = dict.fromkeys(streams_of(manifests), 0.0)
    for manifest in sources:
        written = manifest.permissions.writes_to
        for name in written:
            events[name] += workload.events_per_second / len(sources) / len(written)
    return [_stream(name, rate, workload) for name, rate in events.items()]


def functions(
    manifests: Sequence[Manifest], loads: Sequence[StreamLoad], workload: Workload
) -> list[FunctionLoad]:
    """The load of each function that events make run. What runs by hand or on a schedule is not
    among them: at any rate that matters it is nothing beside these."""
    sources = producers(manifests)
    requests = workload.events_per_second / workload.events_per_request / len(sources)
    result = [FunctionLoad(m, requests, workload.events_per_request) for m in sources]
    by_name = {load.name: load for load in loads}
    result += [
        _consumer(m, m.trigger, by_name[m.trigger.stream])
        for m in manifests
        if isinstance(m.trigger, StreamTrigger)
    ]
    return result


def _stream(name: str, events_per_second: float, workload: Workload) -> StreamLoad:
    records = events_per_second / workload.events_per_request
    size = workload.events_per_request * workload.event_bytes * workload.compressed
    shards = math.ceil(max(records * size / SHARD_BYTES, records / SHARD_RECORDS, 1.0))
    if workload.stream_mode == "ON_DEMAND":
        shards = max(ON_DEMAND_SHARDS, ON_DEMAND_HEADROOM * shards)
    return StreamLoad(name, events_per_second, records, size, shards)


def _consumer(manifest: Manifest, trigger: StreamTrigger, load: StreamLoad) -> FunctionLoad:
    """A batch is sent when it is full or its window is over, of each of a shard's lanes.

    It is full by its number of records, or by their bytes.
    """
    lanes = load.shards * trigger.parallelization_factor
    records = load.records_per_second / lanes
    full = records / min(trigger.batch_size, max(BATCH_BYTES // load.record_bytes, 1.0))
    by_time = min(records, 1 / max(trigger.batching_window, POLLING_SECONDS))
    invocations = max(full, by_time) * lanes
    events = load.events_per_second / invocations if invocations else 0.0
    return FunctionLoad(manifest, invocations, events)
