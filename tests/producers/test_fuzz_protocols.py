"""Bytes from anybody, at the entries for Sentry's and OpenTelemetry's clients: never a 5xx.

Every answer is one that the protocol knows, and nothing of a request gets into the logs.
"""

import base64
import importlib
import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from tests.fixtures.fuzz import bodies, damaged, fuzz, texts, values
from tests.fixtures.http import KEY, KEY_SHA256, request
from tests.fixtures.invocation import Context
from tests.fixtures.kinesis import Streams
from tests.fixtures.otlp import export, in_json, in_protobuf, record
from tests.fixtures.sentry import envelope

type Produce = Callable[[Any], dict[str, Any]]

PROTOBUF, JSON = "application/x-protobuf", "application/json"
PAYLOAD = {"exception": {"values": [{"type": "E", "stacktrace": {"frames": [{"lineno": 1}]}}]}}
GOOD_ENVELOPE = envelope(
    ("event", {**PAYLOAD, "timestamp": 1.7e9, "tags": {"a": "b"}}),
    ("log", {"items": [{"body": "hi", "attributes": {"a": {"value": 1}}}]}),
    ("session", {}),
    dsn="http://key@host/1",
)
GOOD_EXPORT = export(
    record({"a": [1, b"b"]}, {"exception.stacktrace": "E\n  at a.b(C.java:1)"}), record("paid")
)

headers = st.dictionaries(
    st.sampled_from(["authorization", "x-sentry-auth", "content-encoding", "content-type"]),
    st.sampled_from(["gzip", "deflate", "br", PROTOBUF, JSON, "Sentry sentry_key=\ud800"]) | texts,
)


def produce(
    name: str, streams: Streams, monkeypatch: pytest.MonkeyPatch, key_sha256: str
) -> Produce:
    monkeypatch.setenv("API_KEY_SHA256", key_sha256)
    handler = importlib.reload(importlib.import_module(f"producers.{name}.handler"))
    entry = getattr(handler, name)
    return lambda event: entry(event, Context())


@pytest.fixture
def sentry(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> Produce:
    return produce("sentry_envelope", streams, monkeypatch, KEY_SHA256)


@pytest.fixture
def otlp(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> Produce:
    return produce("otlp_logs", streams, monkeypatch, KEY_SHA256)


def sentry_request(body: bytes, given_headers: dict[str, str], store: bool) -> dict[str, Any]:
    return request(body, **given_headers) | {
        "rawPath": "/api/1/store/" if store else "/api/1/envelope/",
        "pathParameters": {"project": "1"},
        "queryStringParameters": {"sentry_key": KEY},
    }


@fuzz
@given(
    body=bodies | damaged(GOOD_ENVELOPE) | values.map(lambda value: envelope(("event", value))),
    given_headers=headers,
    store=st.booleans(),
)
def test_sentrys_answer_is_one_that_an_sdk_knows(
    sentry: Produce, body: bytes, given_headers: dict[str, str], store: bool
) -> None:
    response = sentry(sentry_request(body, given_headers, store))
    content = json.loads(response["body"])
    if response["statusCode"] == 200:
        assert content == {} or isinstance(content["id"], str)
    else:
        assert response["statusCode"] in (400, 401, 403, 413)
        assert content.keys() == {"detail", "causes"}
    assert "Traceback" not in response["body"]


@fuzz
@given(
    body=bodies | damaged(in_protobuf(GOOD_EXPORT)) | damaged(in_json(GOOD_EXPORT)),
    given_headers=headers,
    content_type=st.sampled_from([PROTOBUF, JSON]),
)
def test_otlps_answer_is_a_response_or_a_status_in_the_requests_encoding(
    otlp: Produce, body: bytes, given_headers: dict[str, str], content_type: str
) -> None:
    event = request(body)
    event["headers"] |= {"content-type": content_type, **given_headers}
    response = otlp(event)
    assert response["statusCode"] in (200, 400, 401, 413, 415)
    content = base64.b64decode(response["body"])
    if response["headers"]["content-type"] == JSON:
        answer = json.loads(content)
        assert answer.keys() <= {"partialSuccess"} or answer.keys() == {"code", "message"}
    elif response["statusCode"] == 200:
        ExportLogsServiceResponse.FromString(content)
    else:
        assert Status.FromString(content).code


@fuzz
@given(event=values | st.fixed_dictionaries({"requestContext": values, "body": values}))
def test_any_invocation_is_answered(sentry: Produce, otlp: Produce, event: Any) -> None:
    assert sentry(event)["statusCode"] in (400, 401, 403)
    assert otlp(event)["statusCode"] in (400, 401, 415)


@fuzz
@given(secret=st.uuids())
def test_nothing_of_a_request_is_logged(
    sentry: Produce, otlp: Produce, caplog: pytest.LogCaptureFixture, secret: UUID
) -> None:
    caplog.set_level(logging.INFO)
    caplog.clear()
    marked = str(secret)
    for body in (
        envelope(("event", {"message": marked, marked: marked}), (marked, {}), dsn=marked),
        envelope(("event", marked)),
        b"{}\n{" + marked.encode(),
        marked.encode(),
    ):
        sentry(sentry_request(body, {}, False))
        sentry(sentry_request(body, {"x-sentry-auth": f"Sentry sentry_key={marked}"}, False))
    for content_type in (PROTOBUF, JSON, marked):
        encode = in_protobuf if content_type == PROTOBUF else in_json
        for body in (encode(export(record(marked, {marked: marked}))), marked.encode()):
            otlp(request(body, content_type=content_type))
    ours = [record for record in caplog.records if record.name.startswith(("shared", "producers"))]
    assert ours
    assert not any(marked in record.getMessage() for record in ours)
    assert not any("\n" in record.getMessage() for record in ours)
