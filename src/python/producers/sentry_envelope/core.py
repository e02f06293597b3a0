"""What sentry_envelope makes of a request: who sent it, the events it holds, and the answer."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from producers.sentry_envelope import envelope
from producers.sentry_envelope.envelope import InvalidEnvelope, Item
from producers.sentry_envelope.error_events import error_document
from producers.sentry_envelope.log_events import log_documents
from shared import ingestion
from shared.events import ErrorEvent, LogEvent
from shared.http_api import Refused, Request
from shared.records import MAXIMUM_EVENT_BYTES

# "Envelope Items", Sentry developer documentation: what is counted by its name.
_TYPES = {
    "attachment",
    "check_in",
    "client_report",
    "event",
    "feedback",
    "log",
    "profile",
    "profile_chunk",
    "replay_event",
    "replay_recording",
    "session",
    "sessions",
    "span",
    "statsd",
    "trace_metric",
    "transaction",
    "user_report",
}

# The category in a rate limit, by the stream that did not take events of it.
CATEGORIES = {"errors": "error", "logs": "log_item"}

# Pages of any origin may send, and read the answer: the key decides. Sentry's answers say the same.
_HEADERS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x-sentry-rate-limits, retry-after",
}


@dataclass(frozen=True, slots=True)
class Content:
    """What a request holds.

    `intakes` are by stream, `event_id` is the answer's, `counts` the number of items by their type,
    all that Sentry does not document under "unknown".
    """

    intakes: dict[str, ingestion.Intake]
    event_id: str | None
    counts: Mapping[str, int]


def key_of_request(request: Request) -> str | None:
    """The DSN's public key in X-Sentry-Auth, or else in the query; None where there is none."""
    header = request.headers.get("x-sentry-auth", "")
    named = re.search(r"\bsentry_key=([^,\s]+)", header)
    return named[1] if named else request.query.get("sentry_key")


def key_of_envelope(body: bytes) -> str | None:
    """The public key of the DSN in an envelope's headers; raises Refused."""
    try:
        return urlsplit(_header(body).dsn or "").username
    except ValueError:
        return None


def read(
    request: Request, body: bytes, received_at: datetime, new_event_id: Callable[[], UUID]
) -> Content:
    """The events among the items of a request; raises Refused for what is no envelope.

    Items that are neither events nor logs are counted only.
    """
    if request.path.rstrip("/").endswith("/store"):
        items, id_of_envelope = [Item("event", body)], None
    else:
        id_of_envelope = _header(body).event_id
        try:
            items = envelope.items(body)
        except InvalidEnvelope as error:
            raise _bad_request(str(error)) from None
    project = request.path_parameters.get("project", "")
    errors: list[bytes] = []
    logs: list[bytes] = []
    event_id = id_of_envelope
    for item in items:
        if item.type == "event":
            payload = _loaded(item)
            if not isinstance(payload, dict):
                raise _bad_request("The event is not a JSON object")
            id = _uuid(payload.get("event_id")) or _uuid(id_of_envelope) or new_event_id()
            errors.append(_encoded(error_document(payload, project, id, received_at)))
            event_id = id.hex
        elif item.type == "log":
            documents = log_documents(_loaded(item), project, received_at)
            logs.extend(map(_encoded, documents))
    if len(errors) + len(logs) > ingestion.MAXIMUM_EVENTS:
        raise _too_large(f"A request may hold at most {ingestion.MAXIMUM_EVENTS} events")
    if any(len(document) > MAXIMUM_EVENT_BYTES for document in errors + logs):
        raise _too_large(f"An event may have at most {MAXIMUM_EVENT_BYTES} bytes as compact JSON")
    intakes = {
        "errors": ingestion.read(errors, ErrorEvent, received_at, new_event_id),
        "logs": ingestion.read(logs, LogEvent, received_at, new_event_id),
    }
    held = {stream: intake for stream, intake in intakes.items() if intake.ids or intake.rejected}
    types = (item.type if item.type in _TYPES else "unknown" for item in items)
    return Content(held, event_id, Counter(types))


def answer(
    event_id: str | None,
    intakes: Mapping[str, ingestion.Intake],
    unavailable: Mapping[str, Collection[int]],
    retry_after: int,
) -> dict[str, Any]:
    """The response, given the indexes of the events that each stream did not take.

    Source: "Rate Limiting", Sentry developer documentation. retry_after is in seconds.
    """
    limited = [CATEGORIES[stream] for stream, indexes in unavailable.items() if indexes]
    if limited:
        limits = f"{retry_after}:{';'.join(limited)}:key"
        headers = {"retry-after": str(retry_after), "x-sentry-rate-limits": limits}
        return _response(HTTPStatus.TOO_MANY_REQUESTS, _detail("Try again later"), headers)
    rejected = [entry for intake in intakes.values() for entry in intake.rejected]
    if rejected:
        reasons = [f"{entry['field']}: {entry['reason']}" for entry in rejected]
        return _response(HTTPStatus.BAD_REQUEST, _detail("Not an event", reasons))
    return _response(HTTPStatus.OK, {"id": event_id} if event_id else {})


def refusal(refused: Refused) -> dict[str, Any]:
    """The response to a request that is refused."""
    return _response(refused.status, _detail(str(refused)))


def _header(body: bytes) -> envelope.Header:
    try:
        return envelope.header(body)
    except InvalidEnvelope as error:
        raise _bad_request(str(error)) from None


def _loaded(item: Item) -> Any:
    """An item's JSON, also with what SDKs let pass: NaN, and halves of surrogate pairs."""
    try:
        return msgspec.json.decode(item.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(item.payload)
    except (ValueError, RecursionError):
        raise _bad_request("The payload of an event or of logs is not JSON") from None


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _encoded(document: dict[str, Any]) -> bytes:
    return msgspec.json.encode(document)


def _bad_request(reason: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, reason)


def _too_large(reason: str) -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)


def _detail(detail: str, causes: Collection[str] = ()) -> dict[str, Any]:
    return {"detail": detail, "causes": list(causes)}


def _response(
    status: HTTPStatus, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "statusCode": status.value,
        "headers": {"content-type": "application/json", **_HEADERS, **(headers or {})},
        "body": msgspec.json.encode(content).decode(),
    }
