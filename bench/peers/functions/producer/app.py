"""The producer as the peers have it: events of an HTTP request to a Kinesis stream."""

import os
from typing import Any

import boto3
import msgspec


class ErrorEvent(msgspec.Struct):
    event_id: str
    occurred_at: str
    service: str
    environment: str
    type: str
    message: str
    attributes: dict[str, Any] = {}


decoder = msgspec.json.Decoder(list[ErrorEvent])
kinesis = boto3.client("kinesis")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    events = decoder.decode(event["body"])
    answer = kinesis.put_records(
        StreamName=os.environ["STREAM"],
        Records=[
            {"Data": msgspec.json.encode(event), "PartitionKey": event.event_id} for event in events
        ],
    )
    return {"statusCode": 503 if answer["FailedRecordCount"] else 202}
