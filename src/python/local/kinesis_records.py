"""PutRecords and GetRecords, past moto's layers of HTTP: nearly all that streams are asked for.

Source: "PutRecords" and "GetRecords" in the Amazon Kinesis Data Streams API reference.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.kinesis.models import KinesisBackend


def answer(backend: KinesisBackend, operation: str, body: bytes) -> bytes | None:
    """The answer to a request, or None for what moto itself must answer: all else, and errors."""
    answering = _OPERATIONS.get(operation)
    if answering is None:
        return None
    try:
        return msgspec.json.encode(answering(backend, msgspec.json.decode(body)))
    except (JsonRESTError, ServiceException, msgspec.MsgspecError, KeyError, TypeError):
        return None  # nothing is done yet: moto looks at all of a request before it takes any


def _put_records(backend: KinesisBackend, request: dict[str, Any]) -> dict[str, Any]:
    return backend.put_records(
        request.get("StreamARN"),  # type: ignore[arg-type]
        request.get("StreamName"),  # type: ignore[arg-type]
        request["Records"],
    )


def _get_records(backend: KinesisBackend, request: dict[str, Any]) -> dict[str, Any]:
    iterator, records, behind = backend.get_records(
        request.get("StreamARN"), request["ShardIterator"], request.get("Limit")
    )
    return {
        "NextShardIterator": iterator,
        "Records": [
            {
                "Data": record.data,  # is kept in base64, as it came
                "PartitionKey": record.partition_key,
                "SequenceNumber": str(record.sequence_number),
                "ApproximateArrivalTimestamp": record.created_at,
            }
            for record in records
        ],
        "MillisBehindLatest": behind,
    }


_OPERATIONS: dict[str, Callable[[KinesisBackend, dict[str, Any]], dict[str, Any]]] = {
    "Kinesis_20131202.PutRecords": _put_records,
    "Kinesis_20131202.GetRecords": _get_records,
}
