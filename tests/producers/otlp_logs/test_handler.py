import base64
import gzip
import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from shared.http_api import MAXIMUM_BODY_BYTES
from tests.fixtures.http import KEY_SHA256, request
from tests.fixtures.invocation import Context
from tests.fixtures.kinesis import Streams
from tests.fixtures.otlp import Encode, export, in_json, in_protobuf, record

type Produce = Callable[[Any, Context], dict[str, Any]]

PROTOBUF, JSON = "application/x-protobuf", "application/json"
RECORDS = export(record("paid"), record("oh", {"exception.type": "ValueError"}))

each_encoding = pytest.mark.parametrize(
    ("content_type", "encode"), [(PROTOBUF, in_protobuf), (JSON, in_json)], ids=["Protobuf", "JSON"]
)


@pytest.fixture
def produce(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> Produce:
    monkeypatch.setenv("API_KEY_SHA256", KEY_SHA256)
    from producers.otlp_logs import handler

    entry: Produce = importlib.reload(handler).otlp_logs
    return entry


def code(response: dict[str, Any], content_type: str) -> int:
    """Of the google.rpc.Status in a response."""
    assert response["headers"]["content-type"] == content_type
    content = base64.b64decode(response["body"])
    return int(
        json.loads(content)["code"] if content_type == JSON else Status.FromString(content).code
    )


@each_encoding
def test_each_record_is_on_its_stream_before_the_answer(
    produce: Produce, streams: Streams, content_type: str, encode: Encode
) -> None:
    body = gzip.compress(encode(RECORDS))
    event = request(body, content_type=content_type, content_encoding="gzip")
    response = produce(event, Context())
    assert response["statusCode"] == 200
    assert response["headers"] == {"content-type": content_type}
    ((error,),) = streams.read("errors")
    ((log,),) = streams.read("logs")
    assert (json.loads(error)["type"], json.loads(log)["message"]) == ("ValueError", "paid")


@each_encoding
def test_what_the_streams_do_not_take_is_to_be_sent_again(
    produce: Produce, streams: Streams, content_type: str, encode: Encode
) -> None:
    event = request(encode(RECORDS), content_type=content_type)
    response = produce(event, Context(0))
    assert (response["statusCode"], response["headers"]["retry-after"]) == (503, "2")
    assert code(response, content_type) == 14
    assert streams.read("errors") == streams.read("logs") == []


@each_encoding
def test_a_refusal_is_a_status_in_the_requests_encoding(
    produce: Produce, content_type: str, encode: Encode
) -> None:
    good = encode(RECORDS)
    for event, status, expected in [
        (request(good, content_type=content_type, authorization="Bearer no"), 401, 16),
        (request(good[:-1], content_type=content_type), 400, 3),
        (request(bytes(MAXIMUM_BODY_BYTES + 1), content_type=content_type), 413, 8),
        (request(good, content_type=content_type, content_encoding="br"), 400, 3),
    ]:
        response = produce(event, Context())
        assert (response["statusCode"], code(response, content_type)) == (status, expected)


def test_another_content_type_is_told_which_are_taken(produce: Produce) -> None:
    response = produce(request(b"hello", content_type="text/plain"), Context())
    assert response["statusCode"] == 415
    assert b"application/x-protobuf or application/json" in base64.b64decode(response["body"])
