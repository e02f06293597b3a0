"""The producer: 500 events of one invocation, from the request to Kinesis's acknowledgement."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from bench import events, running_cloud
from bench.rows import Row, Say, alternate
from bench.sink import Time
from local import account
from producers.log_event import core
from shared.producer import Producer

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

EVENTS = 500
REPETITIONS = 15
STREAM = "bench-logs"  # that no function reads
KEY = "key"
ENVIRONMENT = {
    "ENVIRONMENT": "bench",
    "API_KEY_SHA256": hashlib.sha256(KEY.encode()).hexdigest(),
}


def rows(functions: Path, say: Say) -> Iterator[Row]:
    """The producer against a record for each event, and against a record that is ready."""
    logging.disable(logging.INFO)  # a line for each request
    with (
        running_cloud.running(functions) as cloud,
        patch.dict(  # where a producer's botocore looks
            os.environ,
            AWS_ACCESS_KEY_ID="any",
            AWS_SECRET_ACCESS_KEY="any",
            AWS_DEFAULT_REGION=account.REGION,
            AWS_ENDPOINT_URL_KINESIS=cloud.kinesis,
        ),
    ):
        client = account.kinesis_client(cloud.kinesis)
        client.create_stream(StreamName=STREAM, ShardCount=2)
        produce = Producer("logs", core.read, ENVIRONMENT)
        ours = f"the producer, {EVENTS} events an invocation"
        each = "json.loads, and a record for each event"
        ready = "one record that is ready: the floor"
        say(f"Putting {EVENTS} events in {REPETITIONS} turns")
        samples = alternate(
            {
                ours: lambda: _milliseconds(_produce(produce)),
                each: lambda: _milliseconds(_one_by_one(client)),
                ready: lambda: _milliseconds(_record(client)),
            },
            REPETITIONS,
        )
    for against in each, ready:
        yield Row(ours, against, "ms", samples[ours], samples[against])


def _milliseconds(put: Callable[[], None]) -> float:
    started = perf_counter()
    put()
    return (perf_counter() - started) * 1000


def _produce(produce: Producer) -> Callable[[], None]:
    event = _request()

    def put() -> None:
        assert produce(event, Time())["statusCode"] == 202

    return put


def _one_by_one(client: "KinesisClient") -> Callable[[], None]:
    body = _request()["body"]

    def put() -> None:
        entries: Any = [
            {"Data": json.dumps(event).encode(), "PartitionKey": event["event_id"]}
            for event in json.loads(body)
        ]
        assert client.put_records(StreamName=STREAM, Records=entries)["FailedRecordCount"] == 0

    return put


def _record(client: "KinesisClient") -> Callable[[], None]:
    (data,) = events.records(events.log_events(EVENTS))

    def put() -> None:
        entries: Any = [{"Data": data, "PartitionKey": "any"}]
        assert client.put_records(StreamName=STREAM, Records=entries)["FailedRecordCount"] == 0

    return put


def _request() -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": "/logs",
        "headers": {"content-type": "application/json", "x-api-key": KEY},
        "requestContext": {"http": {"method": "POST", "path": "/logs"}},
        "isBase64Encoded": False,
        "body": json.dumps(events.log_events(EVENTS)),
    }
