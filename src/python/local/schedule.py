"""EventBridge's schedules: functions with a schedule trigger are invoked when it is due.

Source: "Creating a rule that runs on a schedule in Amazon EventBridge" and "Events from AWS
services": the event's fields.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from local import account, schedule_expression
from local.asynchronous_invocation import AsynchronousInvocations
from local.clock import Clock
from local.errors import LocalCloudError
from local.function import Function
from local.invocation import Invocation
from local.schedule_expression import ScheduleExpression


class Schedules:
    """The functions' schedules, which can change at any time."""

    def __init__(self, invocations: AsynchronousInvocations, clock: Clock) -> None:
        self._invocations = invocations
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def put(self, function: Function, expression: str | None) -> None:
        """Has the function invoked by this schedule, or by none.

        Raises LocalCloudError when the expression has no meaning.
        """
        parsed = None if expression is None else parse(function.name, expression, self._clock.now())
        if (task := self._tasks.pop(function.name, None)) is not None:
            task.cancel()
        if parsed is not None:
            firing = _fire(function, parsed, self._invocations, self._clock)
            self._tasks[function.name] = asyncio.create_task(firing)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the end, nothing is invoked any more."""
        try:
            yield
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)


def parse(function_name: str, expression: str, now: datetime) -> ScheduleExpression:
    """Raises LocalCloudError when the expression has no meaning."""
    try:
        return schedule_expression.parse(expression, now)
    except ValueError as error:
        raise LocalCloudError(f"{function_name} has the schedule {expression}: {error}.") from error


async def _fire(
    function: Function,
    expression: ScheduleExpression,
    invocations: AsynchronousInvocations,
    clock: Clock,
) -> None:
    # What was due while the machine slept is not made up for.
    while (due := expression.next_after(clock.now())) is not None:
        while (seconds := (due - clock.now()).total_seconds()) > 0:
            await clock.sleep(min(seconds, 60.0))
        event = scheduled_event(function, due, str(uuid.uuid4()))
        invocations.put(function, Invocation(json.dumps(event).encode()))


def scheduled_event(function: Function, due: datetime, event_id: str) -> dict[str, Any]:
    """The event of a rule that has the function's name."""
    rule = f"arn:aws:events:{account.REGION}:{account.ACCOUNT_ID}:rule/{function.name}"
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account.ACCOUNT_ID,
        "time": f"{due:%Y-%m-%dT%H:%M:%SZ}",
        "region": account.REGION,
        "resources": [rule],
        "detail": {},
    }
