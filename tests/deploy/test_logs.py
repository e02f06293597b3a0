"""A log that grows while it is followed, in moto's CloudWatch Logs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from deploy import logs

if TYPE_CHECKING:
    from tests.deploy.conftest import Account

PLACE: Any = {"logGroupName": "/aws/lambda/qa-producers-a", "logStreamName": "one"}


def test_each_line_comes_once_and_one_that_is_late_still_comes(account: Account) -> None:
    client = account.service("logs")
    start = int(time.time() * 1000) - 60_000
    client.create_log_group(logGroupName=PLACE["logGroupName"])
    client.create_log_stream(**PLACE)

    def put(at: int, message: str) -> None:
        client.put_log_events(**PLACE, logEvents=[{"timestamp": at, "message": message}])

    put(start, "first")
    grows = [lambda: put(start + 20_000, "second"), lambda: put(start + 15_000, "late")]

    def sleep(seconds: float) -> None:
        if not grows:
            raise KeyboardInterrupt  # as a person stops it
        grows.pop(0)()

    lines: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        for line in logs.follow(boto3.Session(), "qa-producers-a", start, sleep):
            lines.append(line)
    assert lines == ["first", "second", "late"]
