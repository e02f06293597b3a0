"""Rules of "How Lambda handles errors and retries with asynchronous invocation" and "Capturing
records of Lambda asynchronous invocations" in the Lambda developer guide.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.account import lambda_client
from local.cloud import Cloud
from local.errors import LocalCloudError
from tests.local.conftest import ManualClock
from tests.local.streams import until

type Package = Callable[..., None]
type Run = Callable[..., None]

# Each attempt is a line of the file that the event names, with the id of its request.
FAILS = """
def handler(event, context):
    with open(event["path"], "a") as file:
        file.write(context.aws_request_id + "\\n")
    if event.get("fails"):
        raise ValueError("not today")
"""
WRITES = (
    "import json\ndef handler(e, c): open(e['requestPayload']['record'], 'w').write(json.dumps(e))"
)


async def put(cloud: Cloud, event: object) -> str:
    """Sends an event; returns its request's id."""
    answer = await asyncio.to_thread(
        lambda_client(cloud.url).invoke,
        FunctionName="local-tests-one",
        InvocationType="Event",
        Payload=json.dumps(event),
    )
    assert answer["StatusCode"] == 202
    return answer["ResponseMetadata"]["RequestId"]


async def content(path: Path) -> Any:
    async with asyncio.timeout(20):
        while not path.exists() or not path.read_text():
            await asyncio.sleep(0.01)
    return path.read_text()


def test_a_success_is_not_repeated(
    package: Package, run: Run, tmp_path: Path, day: ManualClock
) -> None:
    package("tests.one", FAILS)

    async def test(cloud: Cloud) -> None:
        request_id = await put(cloud, {"path": str(tmp_path / "attempts")})
        assert await content(tmp_path / "attempts") == f"{request_id}\n"
        assert day.slept == []

    run(test, day)


def test_an_error_is_tried_twice_more_then_goes_to_the_on_failure_destination(
    package: Package, run: Run, tmp_path: Path, day: ManualClock
) -> None:
    package("tests.one", FAILS, on_failure="tests.dead_letter")
    package("tests.dead_letter", WRITES)
    event = {
        "path": str(tmp_path / "attempts"), "record": str(tmp_path / "record"), "fails": True
    }  # fmt: skip

    async def test(cloud: Cloud) -> None:
        request_id = await put(cloud, event)
        record = json.loads(await content(tmp_path / "record"))
        assert (tmp_path / "attempts").read_text() == f"{request_id}\n" * 3
        assert day.slept == [60, 120]
        assert record["responsePayload"].pop("stackTrace")
        assert record["responsePayload"].pop("requestId") == request_id
        assert record == {
            "version": "1.0",
            "timestamp": "2026-07-01T00:03:00.000Z",
            "requestContext": {
                "requestId": request_id,
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:local-tests-one"
                ":$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": event,
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "responsePayload": {"errorType": "ValueError", "errorMessage": "not today"},
        }

    run(test, day)


def test_a_throttled_event_is_tried_with_growing_delays_for_six_hours(
    package: Package, run: Run, tmp_path: Path, day: ManualClock
) -> None:
    package("tests.one", "", reserved_concurrency=0, on_failure="tests.dead_letter")
    package("tests.dead_letter", WRITES)

    async def test(cloud: Cloud) -> None:
        await put(cloud, {"record": str(tmp_path / "record")})
        record = json.loads(await content(tmp_path / "record"))
        assert record["requestContext"]["condition"] == "EventAgeExceeded"
        assert day.slept[:3] == [1, 2, 4]
        assert max(day.slept) == 300
        assert 5.5 * 3600 < sum(day.slept) <= 6 * 3600

    run(test, day)


def test_what_waits_at_the_end_is_tried_again_after_a_restart(
    package: Package, run: Run, tmp_path: Path, day: ManualClock
) -> None:
    package("tests.one", FAILS, on_failure="tests.dead_letter")
    package("tests.dead_letter", WRITES)
    event = {
        "path": str(tmp_path / "attempts"), "record": str(tmp_path / "record"), "fails": True
    }  # fmt: skip
    forever = ManualClock(day.moment, day.moment)  # it never gets to the first retry
    request_ids: list[str] = []

    async def before(cloud: Cloud) -> None:
        request_ids.append(await put(cloud, event))
        await until(lambda: forever.slept == [60])

    async def after(cloud: Cloud) -> None:
        record = json.loads(await content(tmp_path / "record"))
        assert record["requestContext"]["approximateInvokeCount"] == 3
        assert day.slept == [120]
        assert (tmp_path / "attempts").read_text() == f"{request_ids[0]}\n" * 3
        await until(lambda: list((tmp_path / "state" / "events").iterdir()) == [])

    run(before, forever)
    run(after, day)


def test_what_waits_for_a_function_that_is_no_more_is_dropped(
    package: Package, run: Run, tmp_path: Path, day: ManualClock
) -> None:
    package("tests.one", FAILS)
    forever = ManualClock(day.moment, day.moment)

    async def test(cloud: Cloud) -> None:
        await put(cloud, {"path": str(tmp_path / "attempts"), "fails": True})
        await until(lambda: forever.slept == [60])

    run(test, forever)
    (tmp_path / "dist" / "tests.one.json").unlink()
    package("tests.two", "")
    run(lambda cloud: until(lambda: list((tmp_path / "state" / "events").iterdir()) == []))


def test_a_destination_that_is_no_function_keeps_the_cloud_from_starting(
    package: Package, run: Run
) -> None:
    package("tests.one", "", on_failure="tests.other")

    async def test(cloud: Cloud) -> None:
        pass

    with pytest.raises(LocalCloudError, match=r"destination tests\.other, which is no function"):
        run(test)
