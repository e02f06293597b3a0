"""What otlp_logs makes of a request: the events it holds, and the answer.

Sources: "OTLP/HTTP", OpenTelemetry Protocol specification; "Logs Data Model" and "Semantic
conventions for exceptions in logs", OpenTelemetry specification.
"""

import base64
import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import ModuleType
from typing import Any
from uuid import UUID

import msgspec

from producers.otlp_logs import json_encoding, protobuf_encoding, stack_traces
from producers.otlp_logs.records import LogRecord, Malformed
from shared import ingestion
from shared.events import ErrorEvent, LogEvent
from shared.foreign import storable, text
from shared.http_api import Refused, Request
from shared.identifiers import RANDOM_BYTES, uuid7

# What OpenTelemetry calls a service that does not say its name.
UNKNOWN_SERVICE = "unknown_service"
UNKNOWN_ENVIRONMENT = "unknown"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEVERITIES = {8: "DEBUG", 12: "INFO", 16: "WARNING", 20: "ERROR", 24: "CRITICAL"}  # up to
_SEVERITY_TEXTS = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "critical": "CRITICAL",
    "fatal": "CRITICAL",
}
_EXCEPTION = ("exception.type", "exception.message", "exception.stacktrace")
# Of google.rpc.Code.
_INVALID_ARGUMENT = 3
_CODES = {
    HTTPStatus.UNAUTHORIZED: 16,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: 8,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,
}
_ENCODINGS = {module.CONTENT_TYPE: module for module in (protobuf_encoding, json_encoding)}


def encoding(request: Request) -> ModuleType:
    """The module for the encoding that the request's Content-Type names; raises Refused."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in _ENCODINGS:
        names = " or ".join(_ENCODINGS)
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type must be {names}")
    return _ENCODINGS[content_type]


def read(
    encoded: ModuleType, body: bytes, received_at: datetime, new_event_id: Callable[[], UUID]
) -> dict[str, ingestion.Intake]:
    """The events among the log records of a request, by stream; raises Refused.

    A record's id is made of its time and of the request's bytes and its place in them: an exporter
    that sends a request again, as after a lost answer, sends the same events.
    """
    try:
        records = encoded.decode(body)
    except Malformed as error:
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None
    if len(records) > ingestion.MAXIMUM_EVENTS:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"A request may hold at most {ingestion.MAXIMUM_EVENTS} log records",
        )
    digest = hashlib.sha256(body).digest()
    errors: list[bytes] = []
    logs: list[bytes] = []
    for place, record in enumerate(records):
        is_error = any(record.attributes.get(name) for name in _EXCEPTION)
        document = _error(record) if is_error else _log(record)
        nanoseconds = record.time_unix_nano or record.observed_time_unix_nano
        if nanoseconds:
            id = event_id(nanoseconds // 1_000_000, digest, place)
            occurred_at = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
            document |= {"event_id": str(id), "occurred_at": occurred_at.isoformat()}
        (errors if is_error else logs).append(msgspec.json.encode(document))
    intakes = {
        "errors": ingestion.read(errors, ErrorEvent, received_at, new_event_id),
        "logs": ingestion.read(logs, LogEvent, received_at, new_event_id),
    }
    return {name: intake for name, intake in intakes.items() if intake.ids or intake.rejected}


def event_id(unix_milliseconds: int, digest: bytes, place: int) -> UUID:
    """The UUIDv7 of a record's time whose other bits are those of a hash, not random."""
    unique = hashlib.sha256(digest + place.to_bytes(4)).digest()
    return uuid7(unix_milliseconds, unique[:RANDOM_BYTES])


def answer(
    encoded: ModuleType,
    intakes: Mapping[str, ingestion.Intake],
    unavailable: Mapping[str, Collection[int]],
    retry_after: int,
) -> dict[str, Any]:
    """The response, given the indexes of the events that each stream did not take.

    When there are any the exporter sends the whole request again, after so many seconds.
    """
    if any(unavailable.values()):
        refused = Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Not all log records could be taken")
        return refusal(encoded, refused) | {
            "headers": {"content-type": encoded.CONTENT_TYPE, "retry-after": str(retry_after)}
        }
    rejected = [entry for intake in intakes.values() for entry in intake.rejected]
    reasons = dict.fromkeys(f"{entry['field']}: {entry['reason']}" for entry in rejected)
    return _response(encoded, HTTPStatus.OK, encoded.success(len(rejected), "; ".join(reasons)))


def refusal(encoded: ModuleType, refused: Refused) -> dict[str, Any]:
    """The response to a request that is refused: a google.rpc.Status in its encoding."""
    code = _CODES.get(refused.status, _INVALID_ARGUMENT)
    return _response(encoded, refused.status, encoded.failure(code, str(refused)))


def _log(record: LogRecord) -> dict[str, Any]:
    return {**_common(record), "level": _level(record), "message": text(_message(record))}


def _error(record: LogRecord) -> dict[str, Any]:
    """A record with exception.* attributes; what its stack trace's text says is taken out of it."""
    attributes = dict(record.attributes)
    type, message, stack_trace = (attributes.pop(name, None) for name in _EXCEPTION)
    parsed = stack_traces.parse(stack_trace) if isinstance(stack_trace, str) else None
    if parsed is None and stack_trace:
        attributes["exception.stacktrace"] = stack_trace
    stack, causes = parsed or ([], [])
    said = _message(record)
    document = _common(record, attributes)
    if said:
        document["attributes"]["body"] = text(said)
    return {
        **document,
        "type": text(str(type or "Error")),
        "message": text(str(message or said)),
        "stack": storable(stack),
        "causes": storable(causes),
    }


def _common(record: LogRecord, attributes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    resource = record.source.resource
    environment = resource.get("deployment.environment.name") or resource.get(
        "deployment.environment"
    )
    given = {
        "resource": resource,
        "scope": record.source.scope,
        "severity_text": record.severity_text,
        "severity_number": record.severity_number,
        "event_name": record.event_name,
        "trace_id": _id(record.trace_id, 32),
        "span_id": _id(record.span_id, 16),
        "body": None if isinstance(record.body, str) else record.body,
    }
    return {
        "service": text(str(resource.get("service.name") or UNKNOWN_SERVICE), 128),
        "environment": text(str(environment or UNKNOWN_ENVIRONMENT), 64),
        "attributes": storable(
            {
                **(record.attributes if attributes is None else attributes),
                **{name: value for name, value in given.items() if value},
            }
        ),
    }


def _level(record: LogRecord) -> str:
    if record.severity_number > 0:
        levels = (level for last, level in _SEVERITIES.items() if record.severity_number <= last)
        return next(levels, "CRITICAL")
    return _SEVERITY_TEXTS.get(record.severity_text.lower(), "INFO")


def _message(record: LogRecord) -> str:
    """The body as text: JSON where it is not text; the event's name where there is no body."""
    if record.body is None:
        return record.event_name
    if isinstance(record.body, str):
        return record.body
    return msgspec.json.encode(storable(record.body)).decode()


def _id(digits: str, length: int) -> str | None:
    """An id, or None for what is none: of another length, zero, or not hexadecimal."""
    try:
        valid = len(digits) == length and int(digits, 16) != 0
    except ValueError:
        return None
    return digits if valid else None


def _response(encoded: ModuleType, status: HTTPStatus, body: bytes) -> dict[str, Any]:
    return {
        "statusCode": status.value,
        "headers": {"content-type": encoded.CONTENT_TYPE},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
