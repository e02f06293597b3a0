"""EventBridge's schedules: functions with a schedule trigger are invoked when it is due.

Source: "Creating a rule that runs on a schedule in Amazon EventBridge" and "Events from AWS
services": the event's fields.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from local import account, schedule_expression
from local.asynchronous_invocation import AsynchronousInvocations
from local.clock import Clock
from local.errors import LocalCloudError
from local.function import Function
from local.invocation import Invocation
from local.manifest import ScheduleTrigger
from local.schedule_expression import ScheduleExpression


@asynccontextmanager
async def running_schedules(
    functions: Iterable[Function], invocations: AsynchronousInvocations, clock: Clock
) -> AsyncIterator[None]:
    """Invokes what is scheduled. Raises LocalCloudError when an expression has no meaning."""
    tasks = [
        asyncio.create_task(_fire(function, _parse(function, trigger, clock), invocations, clock))
        for function in functions
        if isinstance(trigger := function.trigger, ScheduleTrigger)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _parse(function: Function, trigger: ScheduleTrigger, clock: Clock) -> ScheduleExpression:
    try:
        return schedule_expression.parse(trigger.expression, clock.now())
    except ValueError as error:
        raise LocalCloudError(
            f"{function.name} has the schedule {trigger.expression}: {error}."
        ) from error


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
