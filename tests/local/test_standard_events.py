"""Events with all fields that AWS documents reach the function as they are.

This test also runs against AWS: see docs/local-cloud.md.
"""

import json
from typing import Any

import pytest

from tests.local.accounts import Deploy
from tests.local.standard_events import HTTP_API, KINESIS, SCHEDULED, TEST_CONSOLE


@pytest.mark.parametrize(
    "event",
    [KINESIS, HTTP_API, SCHEDULED, TEST_CONSOLE],
    ids=["kinesis", "http_api", "scheduled", "test_console"],
)
def test_a_standard_event_is_unchanged(deploy: Deploy, event: Any) -> None:
    # In both directions, and as the function itself sees it.
    source = "import json\ndef handler(event, context): return [event, json.dumps(event)]"
    returned, seen = deploy(source).invoke(event)["Payload"]
    assert returned == json.loads(seen) == event
