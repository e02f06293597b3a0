"""Lambda's queue of asynchronous invocations: retries, and the on-failure destination.

Source: "How Lambda handles errors and retries with asynchronous invocation" and "Capturing records
of Lambda asynchronous invocations" in the Lambda developer guide.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from local import account
from local.clock import Clock
from local.errors import LocalCloudError
from local.function import Function
from local.invocation import Invocation, InvocationResult
from local.manifest import Manifest
from local.state import replace

MAXIMUM_EVENT = 1024 * 1024  # bytes, by Lambda's quotas
RETRY_SECONDS = (60.0, 120.0)  # before the second and the third attempt
MAXIMUM_EVENT_AGE = 6 * 60 * 60.0  # seconds
MAXIMUM_THROTTLE_SECONDS = 300.0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An invocation that was accepted. `errors` are the attempts that have failed so far."""

    function_name: str  # as deployed
    qualifier: str | None
    invocation: Invocation
    accepted: datetime
    errors: int = 0


class AsynchronousInvocations:
    """The queue of all functions, which are by their deployed names.

    `directory` keeps an event, in a file of its own, until nothing is left to be done with it.
    """

    def __init__(self, functions: Mapping[str, Function], clock: Clock, directory: Path) -> None:
        self._functions = functions
        self._clock = clock
        self._directory = directory
        self._tasks: set[asyncio.Task[None]] = set()
        directory.mkdir(parents=True, exist_ok=True)

    def put(self, function: Function, invocation: Invocation, qualifier: str | None = None) -> None:
        """Has the function run in the background, again if it fails, if need be in a later run."""
        event = Event(
            function_name=function.name,
            qualifier=qualifier,
            invocation=invocation,
            accepted=self._clock.now(),
        )
        self._keep(event)
        self._start(event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Goes on with what is left of an earlier run; at the end, leaves the rest to the next."""
        for path in self._directory.glob("*.unfinished"):
            path.unlink()  # of a request that was never answered
        for path in self._directory.glob("*.json"):
            self._start(msgspec.json.decode(path.read_bytes(), type=Event))
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, event: Event) -> None:
        task = asyncio.create_task(self._run(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, event: Event) -> None:
        throttles = 0
        while (function := self._function(event)) is not None:
            result = await function.run(event.invocation, event.qualifier)
            if not result.failed:
                break
            if result.throttled:
                delay = min(2.0**throttles, MAXIMUM_THROTTLE_SECONDS)
                throttles += 1
            else:
                event = msgspec.structs.replace(event, errors=event.errors + 1)
                self._keep(event)
                if event.errors > len(RETRY_SECONDS):
                    self._give_up(function, event, result, "RetriesExhausted")
                    break
                delay = RETRY_SECONDS[event.errors - 1]
            age = (self._clock.now() - event.accepted).total_seconds()
            if age + delay > MAXIMUM_EVENT_AGE:
                self._give_up(function, event, result, "EventAgeExceeded")
                break
            await self._clock.sleep(delay)
        self._path(event).unlink()

    def _function(self, event: Event) -> Function | None:
        """The function, if it still has what the event was accepted for."""
        try:
            function = self._functions[event.function_name]
            function.configuration(event.qualifier)
        except KeyError:
            return None
        return function

    def _give_up(
        self, function: Function, event: Event, result: InvocationResult, condition: str
    ) -> None:
        """Sends the event to the on-failure destination, if there is one."""
        destination = self._functions.get(function.on_failure or "")
        if destination is not None:
            record = invocation_record(event, result, condition, self._clock.now())
            self.put(destination, Invocation(json.dumps(record).encode()))

    def _keep(self, event: Event) -> None:
        replace(self._path(event), msgspec.json.encode(event))

    def _path(self, event: Event) -> Path:
        return self._directory / f"{event.invocation.request_id}.json"


def invocation_record(
    event: Event, result: InvocationResult, condition: str, now: datetime
) -> dict[str, Any]:
    """What a destination gets for an event that the function has not taken."""
    return {
        "version": "1.0",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
        "requestContext": {
            "requestId": event.invocation.request_id,
            "functionArn": account.function_arn(event.function_name, result.executed_version),
            "condition": condition,
            "approximateInvokeCount": event.errors,
        },
        "requestPayload": json.loads(event.invocation.payload),
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
