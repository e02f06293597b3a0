"""Log events of about 500 bytes, and the records of a stream that hold them."""

import base64
import json
import os
import random
import time
from collections.abc import Sequence
from itertools import batched
from typing import Any

from shared.identifiers import RANDOM_BYTES, uuid7
from shared.records import Line, pack

EVENTS_PER_RECORD = 500  # what a producer puts for a request of as many

_WORDS = ["the", "order", "was", "paid", "by", "card", "after", "retry", "timeout", "for", "basket"]


def log_events(count: int) -> list[dict[str, Any]]:
    """New events as a producer completes them, 500 bytes each in the mean."""
    now = time.time_ns() // 1_000_000
    return [
        {
            "event_id": str(uuid7(now, os.urandom(RANDOM_BYTES))),
            "occurred_at": "2026-11-25T15:00:00.123456Z",
            "service": random.choice(["checkout", "basket", "search"]),
            "environment": "bench",
            "level": random.choice(["INFO", "WARNING", "ERROR"]),
            "message": " ".join(random.choices(_WORDS, k=28)),
            "attributes": {
                "request_id": f"{random.getrandbits(64):016x}",
                "user": random.randrange(10**6),
                "path": f"/basket/{random.randrange(10**5)}/pay",
                "milliseconds": round(1000 * random.random(), 3),
                "tags": random.choices(_WORDS, k=5),
            },
        }
        for _ in range(count)
    ]


def records(events: Sequence[dict[str, Any]]) -> list[bytes]:
    """The data of the records that hold these events."""
    made = []
    for part in batched(events, EVENTS_PER_RECORD, strict=False):
        lines = [
            Line(index, None, json.dumps(event, separators=(",", ":")).encode())
            for index, event in enumerate(part)
        ]
        made += [record.data for record in pack(lines, str)]
    return made


def kinesis_event(data: Sequence[bytes]) -> dict[str, Any]:
    """The event of an invocation for these records."""
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "eventSourceARN": "arn:aws:kinesis:eu-central-1:000000000000:stream/bench-logs",
                "kinesis": {
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(content).decode(),
                },
            }
            for number, content in enumerate(data)
        ]
    }
