"""From a request's body to the events it holds, and to the answer: what came of each."""

import json
from collections.abc import Callable, Collection
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec

from shared.events import Event, InvalidEvent, decode
from shared.http_api import Refused
from shared.records import MAXIMUM_EVENT_BYTES, Line

MAXIMUM_EVENTS = 10_000


class Intake(msgspec.Struct, frozen=True):
    """What a request's events are: lines for the stream, their ids, and those that cannot be taken.

    ids maps the index of an event to its id; rejected has entries as the answer shows them.
    """

    lines: list[Line]
    ids: dict[int, UUID]
    rejected: list[dict[str, Any]]


def split(body: bytes) -> list[bytes]:
    """The documents of a JSON array, of newline-delimited JSON or of one event; raises Refused."""
    if body.lstrip().startswith(b"["):
        documents = _elements(body)
    else:
        lines = [line for line in body.split(b"\n") if line.strip()]
        # One event may be printed over several lines, none of which is then a document.
        documents = lines if not _is_document(body) and any(map(_is_document, lines)) else [body]
    return _counted(documents)


def split_invocation(payload: object) -> list[bytes]:
    """The documents of an invocation's payload: an event or an array of events; raises Refused."""
    return _counted(_serialized(payload if isinstance(payload, list) else [payload]))


def read[E: Event](
    documents: list[bytes],
    kind: type[E],
    received_at: datetime,
    new_event_id: Callable[[], UUID],
) -> Intake:
    """Each document as an event of that kind; what the client left out is filled in."""
    intake = Intake(lines=[], ids={}, rejected=[])
    for index, document in enumerate(documents):
        try:
            event = decode(document, kind)
            if event.event_id is not None and event.occurred_at is None:
                # Sent again it would get another time, and be another event with the same id.
                raise InvalidEvent(
                    "occurred_at", "Required with event_id, so that it can be resent"
                )
            event_id = event.event_id or new_event_id()
            complete = msgspec.structs.replace(
                event,
                event_id=event_id,
                occurred_at=event.occurred_at or received_at,
                partition_key=None,
            )
            data = msgspec.json.encode(complete)
            if len(data) > MAXIMUM_EVENT_BYTES:
                raise InvalidEvent(None, f"More than {MAXIMUM_EVENT_BYTES} bytes as compact JSON")
        except InvalidEvent as error:
            intake.rejected.append(
                {"index": index, "field": error.field, "reason": error.reason},
            )
        else:
            intake.lines.append(Line(index, event.partition_key, data))
            intake.ids[index] = event_id
    return intake


def answer(intake: Intake, unavailable: Collection[int]) -> tuple[HTTPStatus, dict[str, Any]]:
    """What came of each event, given the indexes of those that the stream did not take."""
    entries = [{"index": index, "event_id": str(id)} for index, id in intake.ids.items()]
    content = {
        "accepted": [entry for entry in entries if entry["index"] not in unavailable],
        "rejected": intake.rejected,
        "unavailable": [entry for entry in entries if entry["index"] in unavailable],
    }
    if unavailable:
        return HTTPStatus.SERVICE_UNAVAILABLE, content
    return HTTPStatus.BAD_REQUEST if intake.rejected else HTTPStatus.ACCEPTED, content


def _elements(body: bytes) -> list[bytes]:
    try:
        return [bytes(element) for element in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, RecursionError):
        pass
    # The lenient parser takes what an event may not hold (NaN, a lone surrogate, deep nesting), so
    # that only the element that holds it is rejected.
    try:
        return _serialized(json.loads(body))
    except (ValueError, RecursionError):
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "The body is not JSON: send one event, an array of events, or one event a line",
        ) from None


def _serialized(elements: list[Any]) -> list[bytes]:
    try:
        return [json.dumps(element).encode() for element in elements]
    except RecursionError:
        raise Refused(HTTPStatus.BAD_REQUEST, "An event is nested too deep to be read") from None


def _is_document(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _counted(documents: list[bytes]) -> list[bytes]:
    if not any(map(bytes.strip, documents)):
        raise Refused(HTTPStatus.BAD_REQUEST, "There is no event: send at least one")
    if len(documents) > MAXIMUM_EVENTS:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"A request may hold at most {MAXIMUM_EVENTS} events",
        )
    return documents
