import gzip
import hashlib
import importlib
import json
import zlib
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest

from shared.http_api import MAXIMUM_BODY_BYTES
from tests.fixtures.http import request
from tests.fixtures.invocation import Context
from tests.fixtures.kinesis import Streams
from tests.fixtures.sentry import envelope

type Produce = Callable[[Any, Context], dict[str, Any]]

KEY = "e3b0c44298fc1c14"
ID = "9ec79c33ec9942ab8353589fcb2e04dc"
AUTH = {"sentry_key": KEY}
BODY = envelope(("event", {"event_id": ID, "message": "hello"}), ("log", {"items": [{}]}))


@pytest.fixture
def produce(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> Produce:
    monkeypatch.setenv("API_KEY_SHA256", hashlib.sha256(KEY.encode()).hexdigest())
    from producers.sentry_envelope import handler

    entry: Produce = importlib.reload(handler).sentry_envelope
    return entry


def sentry_request(
    body: bytes, query: dict[str, str], path: str = "envelope", **headers: str
) -> dict[str, Any]:
    return request(body, **headers) | {
        "rawPath": f"/api/1/{path}/",
        "pathParameters": {"project": "1"},
        "queryStringParameters": query,
    }


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress)],
)
def test_each_event_is_on_its_stream_before_the_answer(
    produce: Produce, streams: Streams, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    event = sentry_request(compress(BODY), AUTH, content_encoding=encoding)
    response = produce(event, Context())
    assert response["statusCode"] == 200
    assert json.loads(response["body"]) == {"id": ID}
    ((error,),) = streams.read("errors")
    ((log,),) = streams.read("logs")
    assert json.loads(error)["message"] == "hello"
    assert json.loads(log)["level"] == "INFO"


def test_the_store_endpoint_takes_an_event(produce: Produce, streams: Streams) -> None:
    body = json.dumps({"event_id": ID, "message": "hello"}).encode()
    response = produce(sentry_request(body, AUTH, "store"), Context())
    assert (response["statusCode"], json.loads(response["body"])) == (200, {"id": ID})
    assert len(streams.read("errors")) == 1


@pytest.mark.parametrize(
    ("query", "auth", "dsn", "status"),
    [
        ({"sentry_key": KEY}, "", "", 200),
        ({}, f"Sentry sentry_version=7, sentry_key={KEY}", "", 200),
        ({}, "", f"http://{KEY}@host/1", 200),
        ({"sentry_key": "wrong"}, "", "", 403),
        ({}, "Sentry sentry_key=wrong", "", 403),
        ({}, "", "http://wrong@host/1", 403),
        ({}, "", "", 401),
        ({}, "Sentry sentry_version=7", "", 401),
    ],
)
def test_the_dsns_public_key_is_an_ingestion_key(
    produce: Produce, streams: Streams, query: dict[str, str], auth: str, dsn: str, status: int
) -> None:
    event = sentry_request(envelope(("event", {}), dsn=dsn), query, x_sentry_auth=auth)
    del event["headers"]["authorization"]
    assert produce(event, Context())["statusCode"] == status
    assert len(streams.read("errors")) == (status == 200)


def test_what_the_streams_do_not_take_is_a_rate_limit(produce: Produce, streams: Streams) -> None:
    response = produce(sentry_request(BODY, AUTH), Context(0))
    assert response["statusCode"] == 429
    assert response["headers"]["x-sentry-rate-limits"] == "5:error;log_item:key"
    assert streams.read("errors") == streams.read("logs") == []


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zlib.compress, brotli.compress])
def test_a_body_past_the_limit_is_too_large(
    produce: Produce, compress: Callable[[bytes], bytes]
) -> None:
    names = {gzip.compress: "gzip", zlib.compress: "deflate", brotli.compress: "br"}
    body = compress(bytes(MAXIMUM_BODY_BYTES + 1))
    event = sentry_request(body, AUTH, content_encoding=names.get(compress, "identity"))
    assert produce(event, Context())["statusCode"] == 413


def test_attributes_are_redacted(
    streams: Streams, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("REDACTED_FIELDS", "email")
    produce: Produce = request.getfixturevalue("produce")
    body = envelope(("event", {"user": {"email": "zoe@example.org"}}))
    assert produce(sentry_request(body, AUTH), Context())["statusCode"] == 200
    ((error,),) = streams.read("errors")
    assert json.loads(error)["attributes"]["user"] == {"email": "[redacted]"}
