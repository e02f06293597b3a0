"""What becomes of log records, the same in both encodings."""

import base64
import json
from datetime import UTC, datetime
from http import HTTPStatus
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from producers.otlp_logs import core, json_encoding, protobuf_encoding
from shared.events import ErrorEvent, Event, LogEvent, decode
from shared.http_api import Refused, Request
from tests.fixtures.otlp import (
    NANOSECONDS,
    RESOURCE,
    Encode,
    deep_json,
    deep_protobuf,
    export,
    in_json,
    in_protobuf,
    record,
)

RECEIVED_AT = datetime(2026, 1, 2, tzinfo=UTC)
NEW_ID = UUID(int=7)
TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"

each_encoding = pytest.mark.parametrize(
    ("encoding", "encode"),
    [(json_encoding, in_json), (protobuf_encoding, in_protobuf)],
    ids=["JSON", "Protobuf"],
)


def read(encoding: ModuleType, body: bytes) -> dict[str, list[Any]]:
    intakes = core.read(encoding, body, RECEIVED_AT, lambda: NEW_ID)
    kinds: dict[str, type[Event]] = {"logs": LogEvent, "errors": ErrorEvent}
    return {
        name: [decode(line.data, kinds[name]) for line in intake.lines]
        for name, intake in intakes.items()
    }


@each_encoding
def test_a_record_is_a_log_event(encoding: ModuleType, encode: Encode) -> None:
    attributes = {"n": 1, "x": 0.5, "ok": True, "raw": b"\0", "list": [1, ["a"]], "map": {"k": {}}}
    fields = {"severityNumber": 17, "severityText": "Oh", "traceId": TRACE_ID, "spanId": SPAN_ID}
    (event,) = read(encoding, encode(export(record("paid", attributes, **fields))))["logs"]
    assert event.occurred_at == datetime(2026, 1, 1, 0, 0, 0, 123_456, UTC)
    assert (event.service, event.environment) == ("shop", "qa")
    assert (event.level, event.message) == ("ERROR", "paid")
    assert event.attributes == {
        **attributes,
        "raw": "AA==",
        "resource": RESOURCE,
        "scope": {"name": "shop.cart", "version": "1"},
        "severity_text": "Oh",
        "severity_number": 17,
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
    }


@each_encoding
def test_a_record_with_an_exception_is_an_error_event(encoding: ModuleType, encode: Encode) -> None:
    exception = {
        "exception.type": "TypeError",
        "exception.message": "bad",
        "exception.stacktrace": "TypeError: bad\n    at pay (/srv/pay.js:5:11)",
        "order": 7,
    }
    unknown = {"exception.message": "bad", "exception.stacktrace": "in some language"}
    body = encode(export(record("oh", exception), record("paid"), record(None, unknown)))
    events = read(encoding, body)
    assert [event.message for event in events["logs"]] == ["paid"]
    parsed, kept = events["errors"]
    assert (parsed.type, parsed.message) == ("TypeError", "bad")
    assert [(frame.file, frame.line) for frame in parsed.stack] == [("/srv/pay.js", 5)]
    assert (parsed.attributes["order"], parsed.attributes["body"]) == (7, "oh")
    assert "exception.stacktrace" not in parsed.attributes
    assert (kept.type, kept.message, kept.stack) == ("Error", "bad", [])
    assert kept.attributes["exception.stacktrace"] == "in some language"


@each_encoding
@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"severityNumber": 1}, "DEBUG"),
        ({"severityNumber": 8}, "DEBUG"),
        ({"severityNumber": 9}, "INFO"),
        ({"severityNumber": 13}, "WARNING"),
        ({"severityNumber": 20}, "ERROR"),
        ({"severityNumber": 24}, "CRITICAL"),
        ({"severityNumber": 25}, "CRITICAL"),
        ({"severityText": "Warn"}, "WARNING"),
        ({"severityText": "fatal"}, "CRITICAL"),
        ({"severityText": "notice"}, "INFO"),
        ({}, "INFO"),
    ],
)
def test_the_severity_is_the_level(
    encoding: ModuleType, encode: Encode, fields: dict[str, Any], level: str
) -> None:
    (event,) = read(encoding, encode(export(record(**fields))))["logs"]
    assert event.level == level


@each_encoding
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("text", "text"),
        (7, "7"),
        (0.5, "0.5"),
        (True, "true"),
        (b"\0", "AA=="),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (None, "order.paid"),
    ],
)
def test_any_body_is_a_message(
    encoding: ModuleType, encode: Encode, body: Any, message: str
) -> None:
    (event,) = read(encoding, encode(export(record(body, eventName="order.paid"))))["logs"]
    assert event.message == message


@each_encoding
def test_what_is_unknown_has_a_name(encoding: ModuleType, encode: Encode) -> None:
    (event,) = read(encoding, encode(export({}, resource={})))["logs"]
    assert (event.service, event.environment) == ("unknown_service", "unknown")
    assert (event.event_id, event.occurred_at) == (NEW_ID, RECEIVED_AT)


@each_encoding
def test_a_request_sent_again_has_the_same_ids_which_begin_with_the_time(
    encoding: ModuleType, encode: Encode
) -> None:
    body = encode(export(record("a"), record("a"), record("a", timeUnixNano="0")))
    other = encode(export(record("a"), record("b")))
    first, again, changed = (read(encoding, each)["logs"] for each in (body, body, other))
    assert [event.event_id for event in first] == [event.event_id for event in again]
    ids = {event.event_id for event in [*first, *changed]}
    assert len(ids) == 5
    assert {id.int >> 80 for id in ids - {NEW_ID}} == {NANOSECONDS // 1_000_000}
    assert first[0].event_id.version == 7


@each_encoding
@pytest.mark.parametrize(
    ("trace_id", "kept"),
    [(TRACE_ID, TRACE_ID), ("", None), ("00" * 16, None), ("ab" * 15, None)],
)
def test_ids_that_are_none_are_left_out(
    encoding: ModuleType, encode: Encode, trace_id: str, kept: str | None
) -> None:
    (event,) = read(encoding, encode(export(record(traceId=trace_id))))["logs"]
    assert event.attributes.get("trace_id") == kept


@each_encoding
def test_what_no_event_can_be_is_a_partial_success(encoding: ModuleType, encode: Encode) -> None:
    body = encode(export(record(), record(timeUnixNano="1"), record(timeUnixNano="2")))
    intakes = core.read(encoding, body, RECEIVED_AT, lambda: NEW_ID)
    response = core.answer(encoding, intakes, {"logs": set()}, 5)
    assert response["statusCode"] == 200
    assert response["headers"] == {"content-type": encoding.CONTENT_TYPE}
    content = base64.b64decode(response["body"])
    reason = "occurred_at: Not from 2000 to before 2100"
    if encoding is json_encoding:
        expected = {"rejectedLogRecords": "2", "errorMessage": reason}
        assert json.loads(content) == {"partialSuccess": expected}
    else:
        partial = ExportLogsServiceResponse.FromString(content).partial_success
        assert (partial.rejected_log_records, partial.error_message) == (2, reason)


@each_encoding
def test_a_full_success_says_nothing(encoding: ModuleType, encode: Encode) -> None:
    for body in (encode(export(record())), encode({})):
        intakes = core.read(encoding, body, RECEIVED_AT, lambda: NEW_ID)
        response = core.answer(encoding, intakes, {}, 5)
        content = base64.b64decode(response["body"])
        assert content == (b"{}" if encoding is json_encoding else b"")


@each_encoding
def test_unavailable_is_a_status_with_the_time_to_wait(
    encoding: ModuleType, encode: Encode
) -> None:
    intakes = core.read(encoding, encode(export(record())), RECEIVED_AT, lambda: NEW_ID)
    response = core.answer(encoding, intakes, {"logs": {0}}, 5)
    assert response["statusCode"] == 503
    assert response["headers"] == {"content-type": encoding.CONTENT_TYPE, "retry-after": "5"}
    content = base64.b64decode(response["body"])
    code = (
        json.loads(content)["code"]
        if encoding is json_encoding
        else Status.FromString(content).code
    )
    assert code == 14


GOOD = in_protobuf(export(record("paid", {"a": [{"b": 1}]})))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        *((protobuf_encoding, GOOD[:cut]) for cut in range(1, len(GOOD), 7)),
        (protobuf_encoding, b"\x0a\xff\xff\xff\xff\x7f"),
        (protobuf_encoding, b"not Protobuf"),
        (json_encoding, b""),
        (json_encoding, b"[]"),
        (json_encoding, b'{"resourceLogs":17}'),
        (json_encoding, b'{"resourceLogs":[{"resource":'),
        (json_encoding, in_json(export(record(timeUnixNano="soon")))),
        (json_encoding, in_json(export({"body": {"intValue": "1.5"}}))),
        (json_encoding, in_json(export({"body": {"doubleValue": "much"}}))),
        (json_encoding, b'{"a":' * 100_000),
    ],
)
def test_a_malformed_request_is_refused(encoding: ModuleType, body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        core.read(encoding, body, RECEIVED_AT, lambda: NEW_ID)
    assert refused.value.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("encoding", [json_encoding, protobuf_encoding])
@pytest.mark.parametrize("depth", [20, 40, 70, 300, 5000])
def test_deep_nesting_is_cut_or_refused(encoding: ModuleType, depth: int) -> None:
    body = deep_json(depth) if encoding is json_encoding else deep_protobuf(depth)
    try:
        (event,) = read(encoding, body)["logs"]
    except Refused as refused:
        assert refused.status == HTTPStatus.BAD_REQUEST
        assert depth > 20
    else:
        assert depth < 5000
        assert event.message


def test_unknown_fields_and_nulls_are_ignored() -> None:
    body = b'{"of":"tomorrow","resourceLogs":[{"resource":null,"scopeLogs":[{"scope":null,'
    body += b'"logRecords":[{"timeUnixNano":null,"body":null,"attributes":null,"new":[{}]}]}]}]}'
    assert len(read(json_encoding, body)["logs"]) == 1
    message = ExportLogsServiceRequest.FromString(in_protobuf(export(record())))
    assert (
        len(read(protobuf_encoding, message.SerializeToString() + b"\xfa\x01\x02hi")["logs"]) == 1
    )


def test_too_many_records_are_refused() -> None:
    body = in_json(export(*[{}] * 10_001))
    with pytest.raises(Refused) as refused:
        core.read(json_encoding, body, RECEIVED_AT, lambda: NEW_ID)
    assert refused.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/json", json_encoding),
        ("Application/JSON; charset=utf-8", json_encoding),
        ("application/x-protobuf", protobuf_encoding),
    ],
)
def test_the_content_type_names_the_encoding(content_type: str, encoding: ModuleType) -> None:
    assert core.encoding(Request(headers={"content-type": content_type})) is encoding


def test_another_content_type_is_refused() -> None:
    for headers in ({}, {"content-type": "text/plain"}):
        with pytest.raises(Refused) as refused:
            core.encoding(Request(headers=headers))
        assert refused.value.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(body=values, attributes=st.dictionaries(st.text(), values, max_size=3))
def test_both_encodings_say_the_same(body: Any, attributes: dict[str, Any]) -> None:
    request = export(record(body, attributes))
    in_both = [
        read(json_encoding, in_json(request)),
        read(protobuf_encoding, in_protobuf(request)),
    ]
    first, second = (
        [(event.message, event.attributes) for event in events["logs"]] for events in in_both
    )
    assert first == second


keys = st.sampled_from(["exception.type", "exception.message", "exception.stacktrace", "a"])


@given(st.dictionaries(keys, values), values)
def test_any_record_is_an_event(attributes: dict[str, Any], resource: Any) -> None:
    names = {"service.name": resource, "deployment.environment": resource}
    request = export(record("x", attributes), resource=names)
    intakes = core.read(json_encoding, in_json(request), RECEIVED_AT, lambda: NEW_ID)
    assert [len(intake.lines) for intake in intakes.values()] == [1]
