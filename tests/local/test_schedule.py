"""Rules of "Creating a rule that runs on a schedule in Amazon EventBridge"."""

import asyncio
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.asynchronous_invocation import AsynchronousInvocations
from local.clock import WALL_CLOCK
from local.cloud import Cloud
from local.errors import LocalCloudError
from local.schedule import Schedules
from tests.local.conftest import ManualClock

type Package = Callable[..., None]
type Run = Callable[..., None]


def every(expression: str) -> dict[str, str]:
    return {"type": "schedule", "expression": expression}


def writes(path: Path) -> str:
    """A function that writes its events to `path`."""
    return f"import json\ndef handler(e, c): print(json.dumps(e), file=open({str(path)!r}, 'a'))"


async def events(path: Path, count: int) -> list[Any]:
    """What the function got, at least `count` events."""
    async with asyncio.timeout(20):
        while not path.exists() or path.read_text().count("\n") < count:
            await asyncio.sleep(0.01)
    return sorted((json.loads(line) for line in path.read_text().splitlines()), key=_time)


def _time(event: Any) -> str:
    return str(event["time"])


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("rate(8 hours)", ["2026-07-01T08:00:00Z", "2026-07-01T16:00:00Z", "2026-07-02T00:00:00Z"]),
        ("cron(30 6,18 ? * WED *)", ["2026-07-01T06:30:00Z", "2026-07-01T18:30:00Z"]),
    ],
)
def test_a_scheduled_function_gets_eventbridges_event_when_it_is_due(
    package: Package, run: Run, tmp_path: Path, day: ManualClock, expression: str, times: list[str]
) -> None:
    path = tmp_path / "events"
    package("tests.one", writes(path), trigger=every(expression))

    async def test(cloud: Cloud) -> None:
        received = await events(path, len(times))
        assert [event["time"] for event in received] == times
        assert len({uuid.UUID(event.pop("id")) for event in received}) == len(times)
        del received[0]["time"]
        assert received[0] == {
            "version": "0",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "region": "us-east-1",
            "resources": ["arn:aws:events:us-east-1:123456789012:rule/local-tests-one"],
            "detail": {},
        }

    run(test, day)


def test_a_changed_schedule_replaces_the_one_before(
    package: Package, run: Run, tmp_path: Path, day: ManualClock
) -> None:
    path = tmp_path / "events"
    package("tests.one", writes(path))

    async def test(cloud: Cloud) -> None:
        invocations = AsynchronousInvocations(cloud.functions, WALL_CLOCK, tmp_path / "queue")
        schedules = Schedules(invocations, day)
        async with invocations.running(), schedules.running():
            for expression in ("rate(1 hour)", "rate(12 hours)"):
                schedules.put(cloud.functions["local-tests-one"], expression)
            received = await events(path, 2)
        assert [event["time"] for event in received] == [
            "2026-07-01T12:00:00Z",
            "2026-07-02T00:00:00Z",
        ]

    run(test)


def test_an_expression_without_meaning_keeps_the_cloud_from_starting(
    package: Package, run: Run
) -> None:
    package("tests.one", "", trigger=every("cron(0 25 * * ? *)"))

    async def test(cloud: Cloud) -> None:
        pass

    with pytest.raises(LocalCloudError, match=r"tests\.one has the schedule .*25 is not in 0 to"):
        run(test)
