"""OTLP's requests and responses in binary Protobuf, by OpenTelemetry's own message classes.

Source: "OTLP/HTTP", OpenTelemetry Protocol specification.
"""

import base64
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from producers.otlp_logs.records import LogRecord, Malformed, Source, scope

CONTENT_TYPE = "application/x-protobuf"


def decode(body: bytes) -> list[LogRecord]:
    """The log records of a request; raises Malformed."""
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        raise Malformed("The body is not a Protobuf message ExportLogsServiceRequest") from None
    records = []
    for resource_logs in request.resource_logs:
        resource = _attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            given = scope_logs.scope
            source = Source(
                resource, scope(given.name, given.version, _attributes(given.attributes))
            )
            records += [
                LogRecord(
                    source=source,
                    time_unix_nano=record.time_unix_nano,
                    observed_time_unix_nano=record.observed_time_unix_nano,
                    severity_number=record.severity_number,
                    severity_text=record.severity_text,
                    body=_value(record.body),
                    attributes=_attributes(record.attributes),
                    trace_id=record.trace_id.hex(),
                    span_id=record.span_id.hex(),
                    event_name=record.event_name,
                )
                for record in scope_logs.log_records
            ]
    return records


def success(rejected: int, reason: str) -> bytes:
    """The response to a request of which so many records are rejected, 0 for none."""
    response = ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = reason
    encoded: bytes = response.SerializeToString()
    return encoded


def failure(code: int, message: str) -> bytes:
    """The response to a request that failed; the code is one of google.rpc.Code."""
    encoded: bytes = Status(code=code, message=message).SerializeToString()
    return encoded


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    """A value as JSON has it; bytes as base64."""
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case kind:
            return getattr(value, kind)
