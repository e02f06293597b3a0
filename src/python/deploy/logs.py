"""A function's log from CloudWatch, and on from there as it grows.

Source: "FilterLogEvents" in the CloudWatch Logs API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.aws_errors import explained
from deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import boto3
    from mypy_boto3_logs import CloudWatchLogsClient

POLL_SECONDS = 2.0
# An event may come in so long after a younger one of another execution environment.
LATE_MILLISECONDS = 10_000


def follow(
    session: boto3.Session,
    function: str,
    since: int,
    sleep: Callable[[float], None] | None,
) -> Iterator[str]:
    """The lines of a function's log, by its name on AWS, from `since` (Unix time, milliseconds).

    With `sleep` it goes on for ever, waiting with it; with None it ends at the log's present end.
    """
    with explained("to call CloudWatch Logs"):
        client: CloudWatchLogsClient = session.client("logs")
    group = f"/aws/lambda/{function}"
    seen: dict[str, int] = {}
    while True:
        with explained(f"to read the log {group}"):
            try:
                pages = client.get_paginator("filter_log_events").paginate(
                    logGroupName=group, startTime=since
                )
                events = [event for page in pages for event in page["events"]]
            except client.exceptions.ResourceNotFoundException:
                raise DeployError(f"There is no log {group}: was {function} invoked yet?") from None
        for event in events:
            if event["eventId"] not in seen:
                seen[event["eventId"]] = event["timestamp"]
                yield event["message"].rstrip("\n")
        if sleep is None:
            return
        since = max([since, *(time - LATE_MILLISECONDS for time in seen.values())])
        seen = {event_id: time for event_id, time in seen.items() if time >= since}
        sleep(POLL_SECONDS)
