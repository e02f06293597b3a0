"""Lambda's queue of asynchronous invocations: retries, and the on-failure destination.

Source: "How Lambda handles errors and retries with asynchronous invocation" and "Capturing records
of Lambda asynchronous invocations" in the Lambda developer guide.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from local import account
from local.clock import Clock
from local.errors import LocalCloudError
from local.function import Function
from local.invocation import Invocation, InvocationResult
from local.manifest import Manifest

MAXIMUM_EVENT = 1024 * 1024  # bytes, by Lambda's quotas
RETRY_SECONDS = (60.0, 120.0)  # before the second and the third attempt
MAXIMUM_EVENT_AGE = 6 * 60 * 60.0  # seconds
MAXIMUM_THROTTLE_SECONDS = 300.0


class AsynchronousInvocations:
    """The queue of all functions, which are by their deployed names. It is kept in memory."""

    def __init__(self, functions: Mapping[str, Function], clock: Clock) -> None:
        self._functions = functions
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, function: Function, invocation: Invocation, qualifier: str | None = None) -> None:
        """Has the function run in the background, again if it fails."""
        task = asyncio.create_task(self._run(function, invocation, qualifier))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the end, what still waits is given up."""
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, function: Function, invocation: Invocation, qualifier: str | None) -> None:
        accepted = self._clock.now()
        errors = throttles = 0
        while True:
            result = await function.run(invocation, qualifier)
            if not result.failed:
                return
            if result.throttled:
                delay = min(2.0**throttles, MAXIMUM_THROTTLE_SECONDS)
                throttles += 1
            elif errors == len(RETRY_SECONDS):
                condition = "RetriesExhausted"
                break
            else:
                delay = RETRY_SECONDS[errors]
                errors += 1
            age = (self._clock.now() - accepted).total_seconds()
            if age + delay > MAXIMUM_EVENT_AGE:
                condition = "EventAgeExceeded"
                break
            await self._clock.sleep(delay)
        destination = self._functions.get(function.on_failure or "")
        if destination is not None:
            attempts = errors + 1 - result.throttled
            record = invocation_record(
                function.name, invocation, result, condition, attempts, self._clock.now()
            )
            self.put(destination, Invocation(json.dumps(record).encode()))


def invocation_record(
    function_name: str,
    invocation: Invocation,
    result: InvocationResult,
    condition: str,
    attempts: int,
    now: datetime,
) -> dict[str, Any]:
    """What a destination gets for an event that the function has not taken."""
    return {
        "version": "1.0",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": account.function_arn(function_name, result.executed_version),
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json.loads(invocation.payload),
        "responseContext": {
            "statusCode": 429 if result.throttled else 200,
            "executedVersion": result.executed_version,
            "functionError": "Unhandled",
        },
        "responsePayload": json.loads(result.payload),
    }


def require_destination(manifest: Manifest, functions: Collection[str]) -> None:
    """Raises LocalCloudError when the on-failure destination is none of the functions."""
    if manifest.on_failure is not None and manifest.on_failure not in functions:
        raise LocalCloudError(
            f"{manifest.name} has the on_failure destination {manifest.on_failure}, "
            "which is no function here: package it, or name another."
        )
