"""What becomes of the payloads that Sentry's SDKs send, and of those that none would send."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sentry_envelope import core
from shared.events import ErrorEvent, LogEvent, decode
from shared.http_api import Refused, Request
from shared.records import MAXIMUM_EVENT_BYTES
from tests.fixtures.sentry import envelope

RECEIVED_AT = datetime(2026, 1, 2, tzinfo=UTC)
NEW_ID = UUID(int=7)
ENVELOPE = Request(path="/api/42/envelope/", path_parameters={"project": "42"})
STORE = Request(path="/api/42/store/", path_parameters={"project": "42"})
ID = "9ec79c33ec9942ab8353589fcb2e04dc"

PYTHON_EVENT = {
    "event_id": ID,
    "timestamp": "2026-01-01T12:00:00.5Z",
    "level": "error",
    "platform": "python",
    "release": "shop@1.2",
    "environment": "qa",
    "server_name": "host",
    "tags": {"customer": "Zoë"},
    "user": {"id": "7"},
    "contexts": {"runtime": {"name": "CPython"}},
    "breadcrumbs": {"values": [{"message": "before"}]},
    "modules": {},
    "unknown": "not kept",
    "exception": {
        "values": [
            {"type": "KeyError", "value": "'x'", "stacktrace": {"frames": []}},
            {
                "type": "ValueError",
                "value": "no such basket",
                "stacktrace": {
                    "frames": [
                        {"abs_path": "/srv/shop/main.py", "filename": "main.py", "in_app": True},
                        {
                            "filename": "lib.py",
                            "function": "call",
                            "module": "lib",
                            "lineno": 7,
                            "context_line": "    raise",
                            "in_app": False,
                        },
                    ]
                },
            },
        ]
    },
}


def read(body: bytes, request: Request = ENVELOPE) -> core.Content:
    return core.read(request, body, RECEIVED_AT, lambda: NEW_ID)


def error(payload: Mapping[str, Any]) -> ErrorEvent:
    (line,) = read(envelope(("event", payload))).intakes["errors"].lines
    return decode(line.data, ErrorEvent)


def test_an_exception_is_an_error_with_its_causes_frames_and_context() -> None:
    event = error(PYTHON_EVENT)
    assert event.event_id == UUID(ID)
    assert event.occurred_at == datetime(2026, 1, 1, 12, 0, 0, 500_000, UTC)
    assert (event.service, event.environment) == ("shop", "qa")
    assert (event.type, event.message) == ("ValueError", "no such basket")
    main, lib = event.stack
    assert (main.file, main.function, main.in_application) == ("/srv/shop/main.py", "?", True)
    assert (lib.file, lib.line, lib.module, lib.code) == ("lib.py", 7, "lib", "    raise")
    assert [(cause.type, cause.message) for cause in event.causes] == [("KeyError", "'x'")]
    assert event.attributes == {
        "level": "error",
        "platform": "python",
        "release": "shop@1.2",
        "server_name": "host",
        "tags": {"customer": "Zoë"},
        "user": {"id": "7"},
        "contexts": {"runtime": {"name": "CPython"}},
        "breadcrumbs": [{"message": "before"}],
    }


@pytest.mark.parametrize(
    "payload",
    [
        {"message": "hello"},
        {"message": {"message": "hello"}},
        {"logentry": {"message": "%s", "params": ["hello"], "formatted": "hello"}},
        # The JavaScript SDK's, with a stack.
        {"message": "hello", "exception": {"values": [{"value": "hello", "stacktrace": {}}]}},
    ],
)
def test_a_message_is_an_error_of_that_type(payload: dict[str, Any]) -> None:
    event = error(payload)
    assert (event.type, event.message) == ("Message", "hello")


def test_a_message_may_have_the_stack_of_its_thread() -> None:
    frames = {"frames": [{"filename": "main.py"}]}
    threads = {"values": [{"id": 1}, {"id": 2, "stacktrace": frames}]}
    assert [frame.file for frame in error({"threads": threads}).stack] == ["main.py"]


@pytest.mark.parametrize(
    ("payload", "service"),
    [
        ({"tags": {"service": "cart"}, "release": "shop@1"}, "cart"),
        ({"tags": [["service", "cart"], ["x"]]}, "cart"),
        ({"release": "shop@1"}, "shop"),
        ({"release": "1.2"}, "project-42"),
        ({"tags": {"service": "s" * 200}}, "s" * 128),
        ({}, "project-42"),
    ],
)
def test_the_service_is_a_tag_or_the_released_package_or_the_project(
    payload: dict[str, Any], service: str
) -> None:
    assert error(payload).service == service


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2026-01-01T00:00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, tzinfo=UTC)),
        (1_767_225_600, datetime(2026, 1, 1, tzinfo=UTC)),
        (1_767_225_600.25, datetime(2026, 1, 1, 0, 0, 0, 250_000, UTC)),
        ("yesterday", RECEIVED_AT),
        ("0001-01-01", RECEIVED_AT),
        (-1, RECEIVED_AT),
        (1e300, RECEIVED_AT),
        (None, RECEIVED_AT),
        ([], RECEIVED_AT),
    ],
)
def test_a_time_is_taken_in_each_form_and_replaced_where_it_is_none(
    timestamp: object, expected: datetime
) -> None:
    assert error({"timestamp": timestamp}).occurred_at == expected


def test_the_id_is_the_events_or_the_envelopes_or_a_new_one() -> None:
    other = "b" * 32
    for body, expected in [
        (envelope(("event", {"event_id": ID}), event_id=other), ID),
        (envelope(("event", {"event_id": "?"}), event_id=other), other),
        (envelope(("event", {})), NEW_ID.hex),
        (envelope(("session", {}), event_id=other), other),
        (envelope(("session", {})), None),
    ]:
        assert read(body).event_id == expected


def test_the_store_endpoint_takes_the_event_alone() -> None:
    content = read(json.dumps(PYTHON_EVENT).encode(), STORE)
    assert (content.event_id, len(content.intakes["errors"].lines)) == (ID, 1)


def test_logs_are_logs() -> None:
    attributes = {
        "sentry.environment": {"value": "qa", "type": "string"},
        "sentry.release": {"value": "shop@2", "type": "string"},
        "n": {"value": 1, "type": "integer"},
        "plain": True,
    }
    log = {"timestamp": 1_767_225_600, "level": "fatal", "body": "hi", "trace_id": "t"}
    logs = {"items": [{**log, "attributes": attributes}, {}, 17]}
    first, second = read(envelope(("log", logs))).intakes["logs"].lines
    event = decode(first.data, LogEvent)
    assert (event.service, event.environment, event.level) == ("shop", "qa", "CRITICAL")
    assert event.message == "hi"
    expected = {"sentry.environment": "qa", "sentry.release": "shop@2", "n": 1, "plain": True}
    assert event.attributes == {**expected, "trace_id": "t"}
    assert decode(second.data, LogEvent).level == "INFO"


def test_other_items_are_counted_only() -> None:
    content = read(envelope(("session", {}), ("session", 1), ("of tomorrow", None)))
    assert content.intakes == {}
    assert content.counts == {"session": 2, "unknown": 1}
    assert core.answer(None, content.intakes, {}, 5)["statusCode"] == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not an envelope", HTTPStatus.BAD_REQUEST),
        (b"", HTTPStatus.BAD_REQUEST),
        (envelope(("event", 17)), HTTPStatus.BAD_REQUEST),
        (b'{}\n{"type":"event"}\n{"event_id":', HTTPStatus.BAD_REQUEST),
        (b'{}\n{"type":"event"}\n' + b"[" * 100_000, HTTPStatus.BAD_REQUEST),
        (envelope(("log", {"items": [{}] * 10_001})), HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (
            envelope(("event", {"message": "x" * MAXIMUM_EVENT_BYTES})),
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ),
    ],
)
def test_what_can_not_be_taken_is_refused(body: bytes, status: HTTPStatus) -> None:
    with pytest.raises(Refused) as refused:
        read(body)
    assert refused.value.status == status


def test_what_sdks_let_pass_and_postgres_can_not_hold_is_replaced() -> None:
    payload = '{"message": "a\\u0000b\\ud83d", "extra": {"n": NaN, "\\u0000": 1e999}}'
    body = b'{}\n{"type":"event"}\n' + payload.encode()
    event = decode(read(body).intakes["errors"].lines[0].data, ErrorEvent)
    assert event.message == "a\ufffdb\ufffd"
    assert event.attributes == {"extra": {"n": "nan", "\ufffd": "inf"}}


def test_a_limit_names_its_category() -> None:
    content = read(envelope(("event", {}), ("log", {"items": [{}]})))
    response = core.answer(ID, content.intakes, {"errors": {0}, "logs": set()}, 5)
    assert response["statusCode"] == 429
    assert response["headers"]["retry-after"] == "5"
    assert response["headers"]["x-sentry-rate-limits"] == "5:error:key"
    both = core.answer(ID, content.intakes, {"errors": {0}, "logs": {0}}, 5)
    assert both["headers"]["x-sentry-rate-limits"] == "5:error;log_item:key"


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (Request(headers={"x-sentry-auth": "Sentry sentry_version=7, sentry_key=k"}), "k"),
        (Request(headers={"x-sentry-auth": "Sentry sentry_key=k,sentry_version=7"}), "k"),
        (Request(headers={"x-sentry-auth": "Sentry sentry_key=k"}, query={"sentry_key": "q"}), "k"),
        (Request(query={"sentry_key": "q"}), "q"),
        (Request(headers={"x-sentry-auth": "Sentry sentry_secret=k"}), None),
        (Request(), None),
    ],
)
def test_the_key_is_in_a_header_or_the_query(request_: Request, key: str | None) -> None:
    assert core.key_of_request(request_) == key


@pytest.mark.parametrize(
    ("dsn", "key"),
    [("http://k@host/1", "k"), ("http://k:secret@host/1", "k"), ("http://[", None), ("", None)],
)
def test_the_key_may_be_in_the_envelope(dsn: str, key: str | None) -> None:
    assert core.key_of_envelope(envelope(dsn=dsn)) == key


names = st.sampled_from(
    [*PYTHON_EVENT, "values", "type", "value", "stacktrace", "frames", "lineno", "logentry"]
)
payloads = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(names | st.text(), inner),
)


@given(st.dictionaries(names, payloads))
def test_any_object_is_an_error(payload: dict[str, Any]) -> None:
    intake = read(envelope(("event", payload))).intakes["errors"]
    assert (len(intake.lines), intake.rejected) == (1, [])


@given(payloads)
def test_any_logs_are_logs(payload: Any) -> None:
    logs = [payload, {"body": payload, "attributes": payload, "level": payload}]
    for intake in read(envelope(("log", {"items": logs}))).intakes.values():
        assert intake.rejected == []
