"""Reads the records of a discarded batch again from their stream.

Source: "GetShardIterator" and "GetRecords" in the Kinesis Data Streams API reference.
"""

import base64
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from consumers.redrive.core import DiscardedBatch
from shared.errors import InvalidRequest, Misconfiguration, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

# A shard answers five reads a second, of which the event source mapping has its part.
_CONFIG = Config(
    connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 5}
)
_REFUSALS: dict[str, type[Exception]] = {
    "AccessDeniedException": Misconfiguration,
    "InvalidArgumentException": InvalidRequest,
    "ResourceNotFoundException": InvalidRequest,
}


def read(batch: DiscardedBatch) -> list[dict[str, Any]]:
    """The batch's records that the stream still has, as an event source mapping hands them over.

    Raises InvalidRequest when there is no such shard, Misconfiguration and Unavailable.
    """
    client: KinesisClient = boto3.client("kinesis", config=_CONFIG)
    try:
        return [_handed_over(batch, record) for record in _records(client, batch)]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise _REFUSALS.get(code, Unavailable)(
            f"{batch.shard_id} of {batch.stream_arn} cannot be read: {code}"
        ) from None
    except BotoCoreError as error:
        raise Unavailable(f"Kinesis failed: {type(error).__name__}") from None


def _records(client: "KinesisClient", batch: DiscardedBatch) -> list[Any]:
    iterator: str | None = client.get_shard_iterator(
        StreamName=batch.stream_arn.rpartition("/")[2],
        ShardId=batch.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=batch.start_sequence_number,
    )["ShardIterator"]
    found: list[Any] = []
    last = int(batch.end_sequence_number)
    while iterator:
        answer = client.get_records(ShardIterator=iterator)
        numbers = [int(record["SequenceNumber"]) for record in answer["Records"]]
        found += [
            record
            for record, number in zip(answer["Records"], numbers, strict=True)
            if number <= last
        ]
        if (numbers and numbers[-1] >= last) or not answer["MillisBehindLatest"]:
            break
        iterator = answer.get("NextShardIterator")
    return found


def _handed_over(batch: DiscardedBatch, record: Any) -> dict[str, Any]:
    number = record["SequenceNumber"]
    return {
        "eventID": f"{batch.shard_id}:{number}",
        "eventSourceARN": batch.stream_arn,
        "kinesis": {
            "sequenceNumber": number,
            "data": base64.b64encode(record["Data"]).decode(),
        },
    }
