"""The event documents that AWS publishes pass through the packaged functions: what they say of an
event of ours is in the table afterwards.

The documents are those of tests/local/standard_events.py.
"""

import asyncio
import base64
import json
import uuid
from pathlib import Path
from typing import Any

from local.account import deployed_name
from local.cloud import Cloud, running_cloud
from tests.local.standard_events import HTTP_API, KINESIS, SCHEDULED, TEST_CONSOLE

EVENT = {
    "occurred_at": "2026-01-01T00:00:00.125000Z",
    "service": "shop",
    "environment": "test",
    "level": "INFO",
    "message": 'quoted "\\" and \U0001f389',
    "attributes": {"é": [1, None, 0.5, {"a": "b"}]},
}


async def invoke(cloud: Cloud, name: str, event: object) -> Any:
    """What the function answers; it must not fail."""
    result = await cloud.functions[deployed_name(name)].invoke(json.dumps(event).encode())
    assert not result.failed, result.payload
    return json.loads(result.payload)


async def stored(cloud: Cloud, event_id: str) -> dict[str, Any]:
    """The row of an event, as soon as there is one, by the names of EVENT."""
    while True:
        page = await invoke(cloud, "consumers.read_table", {"table": "logs", "limit": 500})
        for row in page["rows"]:
            if row["event_id"] == event_id:
                return {name: row[name] for name in EVENT}
        await asyncio.sleep(0.2)


async def run(directory: Path) -> None:
    async with asyncio.timeout(300), running_cloud(Path(), directory, 0, lambda *_: None) as cloud:
        # A Kinesis event, with one of our events in its record.
        event_id = str(uuid.uuid4())
        kinesis = json.loads(json.dumps(KINESIS))
        data = json.dumps({"event_id": event_id, **EVENT}).encode()
        kinesis["Records"][0]["kinesis"]["data"] = base64.b64encode(data).decode()
        assert await invoke(cloud, "consumers.log_sink", kinesis) == {"batchItemFailures": []}
        assert await stored(cloud, event_id) == EVENT

        # An HTTP API request, with one of our events as its body.
        event_id = str(uuid.uuid4())
        headers = {**HTTP_API["headers"], "authorization": f"Bearer {cloud.api_key}"}
        body = json.dumps({"event_id": event_id, **EVENT})
        answer = await invoke(
            cloud, "producers.log_event", {**HTTP_API, "headers": headers, "body": body}
        )
        assert answer["statusCode"] == 202, answer
        assert await stored(cloud, event_id) == EVENT

        # A scheduled event, to the function that is made for one.
        assert "logs" in await invoke(cloud, "consumers.retention", SCHEDULED)

        # The console's test event is none of ours: a producer says so and names what is missing.
        answer = await invoke(cloud, "producers.log_event", TEST_CONSOLE)
        assert answer["accepted"] == []
        assert [each["index"] for each in answer["rejected"]] == [0]


def test_standard_events_keep_their_meaning(tmp_path: Path) -> None:
    asyncio.run(run(tmp_path))
