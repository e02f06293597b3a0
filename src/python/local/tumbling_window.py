"""Tumbling windows: state that a function hands on from one invocation to the next.

Source: "Implementing stateful Kinesis Data Streams processing in Lambda" in the Lambda developer
guide.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from local.invocation import InvocationResult

MAXIMUM_STATE = 1024 * 1024  # bytes for one shard


class Window(msgspec.Struct, frozen=True):
    """A window that is open in a shard: from `start`, in seconds since the epoch, for `seconds`."""

    start: int
    seconds: int
    state: Any = msgspec.field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.start + self.seconds

    @property
    def is_full(self) -> bool:
        """Whether the state is over Lambda's limit: the window has to end early."""
        return len(json.dumps(self.state).encode()) > MAXIMUM_STATE

    def holds(self, arrival: float) -> bool:
        return self.start <= arrival < self.end

    def fields(self, shard_id: str, stream_arn: str, *, final: bool) -> dict[str, Any]:
        """What the window adds to the event of an invocation."""
        return {
            "window": {"start": _timestamp(self.start), "end": _timestamp(self.end)},
            "state": self.state,
            "shardId": shard_id,
            "eventSourceARN": stream_arn,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": self.is_full,
        }


def window_of(arrival: float, seconds: int) -> Window:
    """The window of a record by its arrival, with no state yet; all begin at whole multiples."""
    return Window(int(arrival // seconds) * seconds, seconds)


def state_of(result: InvocationResult) -> tuple[bool, Any]:
    """Whether the answer has a state, without which it counts as failed, and the state."""
    response = None if result.failed else json.loads(result.payload)
    if not isinstance(response, dict) or "state" not in response:
        return False, None
    return True, response["state"]


def _timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
