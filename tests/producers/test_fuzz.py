"""Bytes from anybody, at each producer's entry: no 5xx, no stack trace, nothing of them logged."""

import importlib
import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.documents import error, log
from tests.fixtures.fuzz import bodies, fuzz, texts, values
from tests.fixtures.http import KEY, KEY_SHA256, request
from tests.fixtures.invocation import Context
from tests.fixtures.kinesis import Streams

type Produce = Callable[[Any, Context], dict[str, Any]]

GOOD = {"log_event": log(), "error_event": error()}

headers = st.dictionaries(
    st.sampled_from(["authorization", "x-api-key", "content-encoding", "content-type"]),
    st.sampled_from([f"Bearer {KEY}", "gzip", "identity", "Bearer", "\r\nx: y", "\ud800"]) | texts,
)


@pytest.fixture(params=["log_event", "error_event"])
def function(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def produce(function: str, streams: Streams, monkeypatch: pytest.MonkeyPatch) -> Produce:
    monkeypatch.setenv("API_KEY_SHA256", KEY_SHA256)
    handler = importlib.reload(importlib.import_module(f"producers.{function}.handler"))
    entry: Produce = getattr(handler, function)
    return entry


def checked(response: dict[str, Any]) -> dict[str, Any]:
    """The answer's content, once it is one that a client may be given."""
    assert response["statusCode"] in (202, 400, 401, 413)
    assert set(response["headers"]) <= {"content-type", "www-authenticate"}
    content: dict[str, Any] = json.loads(response["body"])
    assert "Traceback" not in response["body"]
    assert content.keys() in ({"error"}, {"accepted", "rejected", "unavailable"})
    return content


@fuzz
@given(body=bodies, given_headers=headers)
def test_any_request_is_answered(
    produce: Produce, body: bytes, given_headers: dict[str, str]
) -> None:
    event = request(body)
    event["headers"] |= given_headers
    checked(produce(event, Context()))


@fuzz
@given(line=bodies.map(lambda data: data.replace(b"\n", b" ")))
def test_whatever_is_beside_it_a_good_event_is_taken(
    function: str, produce: Produce, line: bytes
) -> None:
    good = json.dumps(GOOD[function]).encode()
    content = checked(produce(request(b"\n".join([good, line, good])), Context()))
    assert len(content["accepted"]) >= 2


@fuzz
@given(event=values | st.fixed_dictionaries({"requestContext": values, "body": values}))
def test_any_invocation_is_answered(produce: Produce, event: Any) -> None:
    answer = produce(event, Context())
    assert "error" in answer or answer.get("rejected") or answer.get("statusCode") in (400, 401)


@fuzz
@given(secret=st.uuids(), body=bodies)
def test_nothing_of_a_request_is_logged(
    produce: Produce, caplog: pytest.LogCaptureFixture, secret: UUID, body: bytes
) -> None:
    caplog.set_level(logging.INFO)
    caplog.clear()
    marked = str(secret).encode() + body
    for event in (
        request(marked),
        request(json.dumps({**log(), "message": 1, str(secret): str(secret)}).encode()),
        request(json.dumps({str(secret): str(secret)}).encode()),
        request(b"{}", authorization=f"Bearer {secret}"),
        request(b"{}", content_encoding=str(secret)),
    ):
        produce(event, Context())
    ours = [record for record in caplog.records if record.name.startswith("shared")]
    assert ours
    assert not any(str(secret) in record.getMessage() for record in ours)
    assert not any("\n" in record.getMessage() for record in ours)
