"""OTLP's requests and responses in JSON.

It is Protobuf's JSON mapping, but for ids in hexadecimal and enumerations by number only. Unknown
fields are ignored, and null is the same as a field that is left out.

Source: "JSON Protobuf Encoding", OpenTelemetry Protocol specification.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from producers.otlp_logs.records import LogRecord, Malformed, Source, scope

CONTENT_TYPE = "application/json"

_UINT64 = 2**64


class _AnyValue(msgspec.Struct, frozen=True, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: "_ArrayValue | None" = None
    kvlist_value: "_KeyValueList | None" = None
    bytes_value: str | None = None


class _ArrayValue(msgspec.Struct, frozen=True):
    values: list[_AnyValue] | None = None


class _KeyValue(msgspec.Struct, frozen=True):
    key: str | None = None
    value: _AnyValue | None = None


class _KeyValueList(msgspec.Struct, frozen=True):
    values: list[_KeyValue] | None = None


class _Resource(msgspec.Struct, frozen=True):
    attributes: list[_KeyValue] | None = None


class _Scope(msgspec.Struct, frozen=True):
    name: str | None = None
    version: str | None = None
    attributes: list[_KeyValue] | None = None


class _LogRecord(msgspec.Struct, frozen=True, rename="camel"):
    time_unix_nano: int | str | None = None
    observed_time_unix_nano: int | str | None = None
    severity_number: int | None = None
    severity_text: str | None = None
    body: _AnyValue | None = None
    attributes: list[_KeyValue] | None = None
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str | None = None


class _ScopeLogs(msgspec.Struct, frozen=True, rename="camel"):
    scope: _Scope | None = None
    log_records: list[_LogRecord] | None = None


class _ResourceLogs(msgspec.Struct, frozen=True, rename="camel"):
    resource: _Resource | None = None
    scope_logs: list[_ScopeLogs] | None = None


class _Request(msgspec.Struct, frozen=True, rename="camel"):
    resource_logs: list[_ResourceLogs] | None = None


_decoder = msgspec.json.Decoder(_Request)


def decode(body: bytes) -> list[LogRecord]:
    """The log records of a request; raises Malformed."""
    try:
        return _records(_decoder.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body is not an ExportLogsServiceRequest in JSON: {error}") from None
    except RecursionError:
        raise Malformed("The body is nested too deep") from None


def success(rejected: int, reason: str) -> bytes:
    """The response to a request of which so many records are rejected, 0 for none."""
    partial = {"rejectedLogRecords": str(rejected), "errorMessage": reason}
    return msgspec.json.encode({"partialSuccess": partial} if rejected else {})


def failure(code: int, message: str) -> bytes:
    """The response to a request that failed; the code is one of google.rpc.Code."""
    return msgspec.json.encode({"code": code, "message": message})


def _records(request: _Request) -> list[LogRecord]:
    records = []
    for resource_logs in request.resource_logs or ():
        resource = _attributes((resource_logs.resource or _Resource()).attributes)
        for scope_logs in resource_logs.scope_logs or ():
            given = scope_logs.scope or _Scope()
            source = Source(
                resource,
                scope(given.name or "", given.version or "", _attributes(given.attributes)),
            )
            records += [
                LogRecord(
                    source=source,
                    time_unix_nano=_integer(record.time_unix_nano) % _UINT64,
                    observed_time_unix_nano=_integer(record.observed_time_unix_nano) % _UINT64,
                    severity_number=record.severity_number or 0,
                    severity_text=record.severity_text or "",
                    body=_value(record.body),
                    attributes=_attributes(record.attributes),
                    trace_id=(record.trace_id or "").lower(),
                    span_id=(record.span_id or "").lower(),
                    event_name=record.event_name or "",
                )
                for record in scope_logs.log_records or ()
            ]
    return records


def _attributes(pairs: Iterable[_KeyValue] | None) -> dict[str, Any]:
    return {pair.key or "": _value(pair.value) for pair in pairs or ()}


def _value(value: _AnyValue | None) -> Any:
    """A value as JSON has it; bytes in base64, as they came."""
    if value is None:
        return None
    if value.array_value is not None:
        return [_value(item) for item in value.array_value.values or ()]
    if value.kvlist_value is not None:
        return _attributes(value.kvlist_value.values)
    if value.int_value is not None:
        return _integer(value.int_value)
    if value.double_value is not None:
        return _double(value.double_value)
    plain = (value.string_value, value.bool_value, value.bytes_value)
    return next((each for each in plain if each is not None), None)


def _integer(value: int | str | None) -> int:
    """An integer of 64 bits, which JSON has as a string of digits."""
    try:
        return int(value or 0)
    except ValueError:
        raise msgspec.ValidationError("Expected an integer, as a number or digits") from None


def _double(value: float | str) -> float:
    """A number, which may also be the string NaN, Infinity or -Infinity."""
    try:
        return float(value)
    except ValueError:
        raise msgspec.ValidationError("Expected a number") from None
