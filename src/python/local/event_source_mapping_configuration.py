"""What an event source mapping does, whether `dist/` or Lambda's API says so.

Source: "EventSourceMappingConfiguration" in the Lambda API reference.
"""

import time
import uuid
from typing import Literal

import msgspec

from local import event_filter
from local.account import queue_name, stream_name
from local.errors import LocalCloudError
from local.manifest import StreamTrigger

type StartingPosition = Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]


class EventSourceMappingConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults are those of Lambda. Streams, queues and functions have their deployed names."""

    uuid: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str
    qualifier: str | None = None
    enabled: bool = True
    stream: str
    batch_size: int = 100
    batching_window: int = 0  # seconds
    parallelization_factor: int = 1
    maximum_retry_attempts: int = -1
    maximum_record_age: int = -1  # seconds
    bisect_on_error: bool = False
    tumbling_window: int = 0  # seconds
    filters: tuple[str, ...] = ()
    on_failure_queue: str | None = None
    starting_position: StartingPosition
    starting_position_timestamp: float | None = None  # seconds since the epoch
    report_batch_item_failures: bool = False
    last_modified: float = msgspec.field(default_factory=time.time)


def packaged_mapping(function_name: str, trigger: StreamTrigger) -> EventSourceMappingConfiguration:
    """The mapping of a function in `dist/`, which has the same UUID in every run."""
    queue = trigger.on_failure_queue
    fields = msgspec.structs.asdict(trigger) | {
        "function_name": function_name,
        "stream": stream_name(trigger.stream),
        "on_failure_queue": None if queue is None else queue_name(queue),
    }
    name = f"{function_name}/{trigger.stream}"
    return EventSourceMappingConfiguration(
        **fields,
        uuid=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        report_batch_item_failures=True,
    )


def require_filters(function_name: str, trigger: StreamTrigger) -> None:
    """Raises LocalCloudError when one of the filters can't be read."""
    for pattern in trigger.filters:
        try:
            event_filter.parse(pattern)
        except ValueError as error:
            raise LocalCloudError(f"{function_name} has the filter {pattern}: {error}.") from error
