"""The producer against an emulated Kinesis: every kind of request, good and bad."""

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Misconfiguration
from shared.events import LogEvent
from shared.http_api import MAXIMUM_BODY_BYTES
from shared.ingestion import Intake, read
from shared.producer import Producer
from shared.records import MAXIMUM_EVENT_BYTES
from tests.fixtures.documents import bad, log
from tests.fixtures.http import KEY, KEY_SHA256, request
from tests.fixtures.invocation import Context
from tests.fixtures.kinesis import Streams

type Produce = Callable[..., dict[str, Any]]
type Post = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def produce(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> Produce:
    monkeypatch.setenv("API_KEY_SHA256", f"{hashlib.sha256(b'old').hexdigest()},{KEY_SHA256}")
    return Producer("logs", read_logs, os.environ)


def read_logs(
    documents: list[bytes], received_at: datetime, new_event_id: Callable[[], UUID]
) -> Intake:
    return read(documents, LogEvent, received_at, new_event_id)


@pytest.fixture
def post(produce: Produce) -> Post:
    """Sends a body over HTTP; returns the status and the content of the answer."""

    def send(body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
        response = produce(request(body, **headers), Context())
        return response["statusCode"], json.loads(response["body"])

    return send


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (encoded(log()), {}),
        (json.dumps(log(), indent=2).encode(), {}),
        (encoded([log()]), {}),
        (encoded(log()) + b"\r\n\n", {}),
        (gzip.compress(encoded(log()), mtime=0), {"content_encoding": "gzip"}),
        (encoded(log()), {"authorization": "", "x_api_key": KEY}),
        (encoded(log()), {"authorization": "bearer old"}),
    ],
)
def test_one_event_by_every_way_in(
    post: Post, streams: Streams, body: bytes, headers: dict[str, str]
) -> None:
    status, content = post(body, **headers)
    assert status == 202
    ((document,),) = streams.read("logs")
    event = json.loads(document)
    assert content == {
        "accepted": [{"index": 0, "event_id": event["event_id"]}],
        "rejected": [],
        "unavailable": [],
    }
    assert UUID(event.pop("event_id")).version == 7
    assert event.pop("occurred_at").endswith("Z")
    assert event == log()


def test_good_neighbours_of_bad_events_are_accepted(post: Post, streams: Streams) -> None:
    lines = [encoded(log(message="a")), b"{", encoded(log(level="LOUD")), encoded(log(message="b"))]
    status, content = post(b"\n".join(lines))
    assert status == 400
    assert [entry["index"] for entry in content["accepted"]] == [0, 3]
    assert [(entry["index"], entry["field"]) for entry in content["rejected"]] == [
        (1, None),
        (2, "level"),
    ]
    stored = [json.loads(line)["message"] for record in streams.read("logs") for line in record]
    assert stored == ["a", "b"]


def test_what_the_client_gives_is_kept_and_can_be_sent_again(post: Post, streams: Streams) -> None:
    given = {"event_id": str(uuid4()), "occurred_at": "2026-01-01T01:00:00+01:00"}
    body = encoded([log(**given, partition_key="k"), log(**given, partition_key="k")])
    assert post(body) == post(body)
    first, second = streams.read("logs")
    assert first == second
    assert json.loads(first[0]) == {**log(**given), "occurred_at": "2026-01-01T00:00:00Z"}


def test_bad_events_are_named_and_their_neighbours_taken(post: Post) -> None:
    lines = bad(log())
    status, content = post(
        b"\n".join([encoded(log()), *(line for line, _ in lines), encoded(log())])
    )
    assert status == 400
    assert [entry["index"] for entry in content["accepted"]] == [0, len(lines) + 1]
    assert [entry["index"] for entry in content["rejected"]] == list(range(1, len(lines) + 1))
    assert [entry["field"] for entry in content["rejected"]] == [field for _, field in lines]


def test_an_event_larger_than_a_record_is_rejected(post: Post) -> None:
    status, content = post(encoded([log(message="m" * MAXIMUM_EVENT_BYTES), log()]))
    assert (status, len(content["accepted"])) == (400, 1)
    assert "bytes" in content["rejected"][0]["reason"]


def test_an_id_without_a_time_could_not_be_sent_again(post: Post) -> None:
    status, content = post(encoded(log(event_id=str(uuid4()))))
    assert (status, content["rejected"][0]["field"]) == (400, "occurred_at")


@pytest.mark.parametrize("element", ["NaN", "1e400", '"\\ud800"', "[" * 500 + "]" * 500])
def test_an_array_is_taken_apart_though_it_holds_what_no_event_may(
    post: Post, element: str
) -> None:
    bad = log(attributes={"a": "?"})
    body = encoded([log(), bad, log()]).replace(b'"?"', element.encode())
    status, content = post(body)
    assert status == 400
    assert [entry["index"] for entry in content["accepted"]] == [0, 2]
    assert [entry["index"] for entry in content["rejected"]] == [1]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b" \n ", {}, 400),
        (b"[]", {}, 400),
        (b"[{}", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"{}", {"content_encoding": "br"}, 400),
        (b"{}", {"content_encoding": "gzip"}, 400),
        (gzip.compress(b"{}", mtime=0)[:-1], {"content_encoding": "gzip"}, 400),
        (gzip.compress(bytes(2 * MAXIMUM_BODY_BYTES), mtime=0), {"content_encoding": "gzip"}, 413),
        (b" " * (MAXIMUM_BODY_BYTES + 1), {}, 413),
        (b"1\n" * 10_001, {}, 413),
        (b"{}", {"authorization": ""}, 401),
        (b"[{}", {"authorization": ""}, 401),
        (b"{}", {"authorization": KEY}, 401),
        (b"{}", {"authorization": "Bearer wrong"}, 401),
        (b"{}", {"authorization": "Bearer \ud800"}, 401),
        (b"{}", {"authorization": "", "x_api_key": "wrong"}, 401),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_a_bad_request_is_refused_whole(
    post: Post, streams: Streams, body: bytes, headers: dict[str, str], status: int
) -> None:
    answered, content = post(body, **headers)
    assert answered == status
    assert content.keys() == {"error"}
    assert streams.read("logs") == []


@pytest.mark.parametrize(("body", "is_base64"), [("no base64!", True), ("\ud800", False)])
def test_a_body_that_is_no_bytes_is_refused(produce: Produce, body: str, is_base64: bool) -> None:
    event = {**request(b""), "body": body, "isBase64Encoded": is_base64}
    response = produce(event, Context())
    assert response["statusCode"] == 400
    assert "not valid UTF-8 or base64" in response["body"]


def test_unauthorized_says_how_to_authenticate(produce: Produce) -> None:
    response = produce(request(b"{}", authorization=""), Context())
    assert response["headers"]["www-authenticate"] == "Bearer"


def test_without_time_for_kinesis_the_events_are_unavailable(
    produce: Produce, streams: Streams
) -> None:
    response = produce(request(encoded([log(), {}])), Context(1000))
    assert response["statusCode"] == 503
    assert int(response["headers"]["retry-after"]) > 0
    content = json.loads(response["body"])
    assert content["accepted"] == []
    assert [entry["index"] for entry in content["unavailable"]] == [0]
    assert [entry["index"] for entry in content["rejected"]] == [1]
    assert streams.read("logs") == []


def test_invocation_answers_without_envelope(produce: Produce, streams: Streams) -> None:
    answer = produce([log(), log(attributes={"n": float("nan")}), 17], Context())
    assert [len(answer[key]) for key in ("accepted", "rejected", "unavailable")] == [1, 2, 0]
    assert len(produce(log(), Context())["accepted"]) == 1
    assert len(streams.read("logs")) == 2
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for payload in ([], deep, {"requestContext": {}, "headers": 1}):
        assert produce(payload, Context()).keys() & {"error"}


def test_redacted_fields_never_reach_the_stream(
    streams: Streams, produce: Produce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDACTED_FIELDS", "password")
    redacting = Producer("logs", read_logs, os.environ)
    event = log(attributes={"user": {"name": "a", "password": "a secret"}})
    assert len(redacting(event, Context())["accepted"]) == 1
    ((document,),) = streams.read("logs")
    assert json.loads(document)["attributes"] == {"user": {"name": "a", "password": "[redacted]"}}


def test_events_of_a_key_stay_in_order(post: Post, streams: Streams) -> None:
    events = [log(message=f"{n} " + "m" * 90_000, partition_key="k") for n in range(40)]
    assert post(encoded(events))[0] == 202
    records = streams.read("logs")
    assert len(records) > 1
    order = [json.loads(line)["message"].split()[0] for record in records for line in record]
    assert order == [str(n) for n in range(40)]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary()
    | st.text().map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(encoded)
)
def test_no_body_whatever_is_more_than_a_bad_request(post: Post, body: bytes) -> None:
    status, content = post(body)
    assert status == 400
    assert content.get("error") or content["rejected"]


@pytest.mark.parametrize("hashes", [None, "", "abc", KEY_SHA256.upper(), KEY_SHA256 + ","])
def test_unusable_key_hashes_fail_at_init(
    produce: Produce, monkeypatch: pytest.MonkeyPatch, hashes: str | None
) -> None:
    monkeypatch.delenv("API_KEY_SHA256")
    if hashes is not None:
        monkeypatch.setenv("API_KEY_SHA256", hashes)
    with pytest.raises(Misconfiguration, match="API_KEY_SHA256 must hold"):
        Producer("logs", read_logs, os.environ)


def test_missing_environment_fails_at_init(
    produce: Produce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVIRONMENT")
    with pytest.raises(Misconfiguration, match="ENVIRONMENT must name"):
        Producer("logs", read_logs, os.environ)
