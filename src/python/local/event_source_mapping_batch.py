"""Batches of an event source mapping: their size, their event, and what follows from the answer.

Source: "Using AWS Lambda with Amazon Kinesis Data Streams", "Configuring partial batch response
with Kinesis Data Streams and Lambda" and "Retain discarded batch records for a Kinesis Data Streams
event source in Lambda" in the Lambda developer guide.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from local import account
from local.invocation import MAXIMUM_PAYLOAD, InvocationResult

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import RecordTypeDef

ENVELOPE = 1024  # bytes of a record in an event beyond its data, at most about this

type Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


@dataclass(frozen=True)
class Batch:
    """Records that are tried together. `retries` counts against the mapping's limit."""

    records: Sequence[RecordTypeDef]
    retries: int = 0
    invocations: int = 0


def batch_length(sizes: Sequence[int], batch_size: int) -> int:
    """How many of the records fit one batch: by their number, and by Lambda's 6 MB for an event.

    `sizes` are the bytes of the records' data, which an event carries in base64.
    """
    total = 0
    for count, size in enumerate(sizes[:batch_size]):
        total += 4 * ((size + 2) // 3) + ENVELOPE
        if total > MAXIMUM_PAYLOAD and count:
            return count
    return min(len(sizes), batch_size)


def batch_event(stream: str, shard_id: str, records: Sequence[RecordTypeDef]) -> dict[str, Any]:
    """The event that a function gets for a batch of records."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record["PartitionKey"],
                    "sequenceNumber": record["SequenceNumber"],
                    "data": base64.b64encode(record["Data"]).decode(),
                    "approximateArrivalTimestamp": round(arrival(record), 3),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard_id}:{record['SequenceNumber']}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": f"arn:aws:iam::{account.ACCOUNT_ID}:role/local",
                "awsRegion": account.REGION,
                "eventSourceARN": account.stream_arn(stream),
            }
            for record in records
        ]
    }


def delivered_count(
    result: InvocationResult, sequence_numbers: Sequence[str], *, reports_failures: bool
) -> int:
    """How many records of a batch, from its first on, the function is done with.

    A failed invocation fails the batch. Where the mapping has ReportBatchItemFailures, the lowest
    sequence number in the response is where its checkpoint is, and a response that is no list of
    sequence numbers of this batch fails all of it.
    """
    if result.failed:
        return 0
    if not reports_failures:
        return len(sequence_numbers)
    response = json.loads(result.payload)
    if response is None:
        return len(sequence_numbers)
    if not isinstance(response, dict):
        return 0
    failures = response.get("batchItemFailures")
    if failures is None:
        return len(sequence_numbers)
    try:
        return min(
            (sequence_numbers.index(failure["itemIdentifier"]) for failure in failures),
            default=len(sequence_numbers),
        )
    except (KeyError, TypeError, ValueError):
        return 0


def after_failure(batch: Batch, delivered: int, *, bisect: bool) -> list[Batch]:
    """What is to be tried next, in this order, when only `delivered` records were taken.

    With `bisect` the batch is split, at the reported record or else in two, which is no retry.
    """
    rest = batch.records[delivered:]
    invocations = batch.invocations + 1
    if not bisect or len(batch.records) == 1:
        return [Batch(rest, batch.retries + 1, invocations)]
    if delivered:
        return [Batch(rest, batch.retries, invocations)]
    middle = len(rest) // 2
    return [Batch(half, batch.retries, invocations) for half in (rest[:middle], rest[middle:])]


def expired_count(records: Sequence[RecordTypeDef], now: float, maximum_age: int) -> int:
    """How many records, from the first on, are older than `maximum_age` seconds (-1: no limit)."""
    if maximum_age == -1:
        return 0
    return sum(now - arrival(record) > maximum_age for record in records)


def discarded(
    batch: Batch,
    condition: Condition,
    *,
    function_arn: str,
    stream: str,
    shard_id: str,
    request_id: str,
    now: float,
    result: InvocationResult | None,
) -> dict[str, Any]:
    """The document for the on-failure destination: where the records were, not what was in them.

    `result` is of the last invocation, if there was one.
    """
    first, last = batch.records[0], batch.records[-1]
    response: dict[str, Any] = {"statusCode": 200}
    if result is not None:
        response["executedVersion"] = result.executed_version
        if result.failed:
            response["functionError"] = "Unhandled"
    return {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": condition,
            "approximateInvokeCount": batch.invocations,
        },
        **({} if result is None else {"responseContext": response}),
        "version": "1.0",
        "timestamp": timestamp(now),
        "KinesisBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": timestamp(arrival(first)),
            "approximateArrivalOfLastRecord": timestamp(arrival(last)),
            "batchSize": len(batch.records),
            "streamArn": account.stream_arn(stream),
        },
    }


def arrival(record: RecordTypeDef) -> float:
    """When Kinesis took the record, in seconds since the epoch."""
    return record["ApproximateArrivalTimestamp"].timestamp()


def timestamp(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def retry_delay(failures: int) -> float:
    """Seconds before a batch is tried again that has failed this often."""
    return float(min(0.1 * 2 ** min(failures, 10), 10.0))
