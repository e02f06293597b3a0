"""From the payload of a Sentry event to an error event.

Source: "Event Payloads", Sentry developer documentation. Every field there may be missing, null or
of another type than documented; what can't be used is left out.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.events import EARLIEST, LATEST
from shared.foreign import storable, text

# As Sentry names the environment of events that name none.
ENVIRONMENT = "production"
# The type of an event without an exception, such as of capture_message.
MESSAGE = "Message"

_ATTRIBUTES = (
    "level",
    "logger",
    "platform",
    "release",
    "dist",
    "server_name",
    "transaction",
    "tags",
    "user",
    "contexts",
    "request",
    "extra",
    "breadcrumbs",
    "fingerprint",
    "modules",
    "sdk",
)


def error_document(
    payload: Mapping[str, Any], project: str, event_id: UUID, received_at: datetime
) -> dict[str, Any]:
    """An error event as a JSON object; service is service()'s."""
    raised, *causes = _exceptions(payload)
    return {
        "event_id": str(event_id),
        "occurred_at": time(payload.get("timestamp"), received_at).isoformat(),
        "service": service(payload, project),
        "environment": text(_string(payload.get("environment")) or ENVIRONMENT, 64),
        **raised,
        "causes": causes,
        "attributes": {
            name: storable(value)
            for name in _ATTRIBUTES
            if (value := _unwrapped(payload.get(name))) not in (None, "", [], {})
        },
    }


def service(payload: Mapping[str, Any], project: str) -> str:
    """The tag `service`, else the package that a release "package@version" names, else the project.

    Sentry knows projects and releases but no services.
    """
    tags = payload.get("tags")
    if isinstance(tags, list):  # pairs, from older SDKs
        tags = {pair[0]: pair[1] for pair in tags if _is_pair(pair)}
    tag = _string(_mapping(tags).get("service"))
    package, at, _ = _string(payload.get("release")).partition("@")
    return text(tag or (package if at else "") or f"project-{project}", 128)


def time(timestamp: object, received_at: datetime) -> datetime:
    """A timestamp (RFC 3339, or seconds since 1970) in UTC; received_at where it is none."""
    try:
        if isinstance(timestamp, str):
            moment = datetime.fromisoformat(timestamp)
        elif isinstance(timestamp, int | float):
            moment = datetime.fromtimestamp(timestamp, UTC)
        else:
            return received_at
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return received_at
    return moment if EARLIEST <= moment < LATEST else received_at


def _exceptions(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Type, message and stack of the reported exception, then those of its causes, nearest first.

    Sentry has the exception that was raised last at the end.
    """
    message = _message(payload)
    exceptions = list(_values(payload.get("exception")))[::-1]
    if not exceptions:
        stacks = [payload, *_values(payload.get("threads"))]
        frames = next(filter(None, map(_frames, stacks)), [])
        return [{"type": MESSAGE, "message": message, "stack": frames}]
    return [
        {
            # The JavaScript SDK gives a message a stack by an exception without a type.
            "type": text(_string(exception.get("type"))) or (MESSAGE if message else "Error"),
            "message": text(_string(exception.get("value"))) or message,
            "stack": _frames(exception),
        }
        for exception in exceptions
    ]


def _message(payload: Mapping[str, Any]) -> str:
    """The text of the interface "Message", in each form that it has had."""
    entry = payload.get("logentry") or payload.get("message")
    if isinstance(entry, Mapping):
        entry = entry.get("formatted") or entry.get("message")
    return text(_string(entry))


def _frames(holder: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The frames of an exception or a thread, outermost first, as in Sentry."""
    stack_trace = _mapping(holder.get("stacktrace"))
    return [_frame(frame) for frame in _values(stack_trace.get("frames"))]


def _frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    line, in_application = frame.get("lineno"), frame.get("in_app")
    file = _string(frame.get("abs_path")) or _string(frame.get("filename"))
    return {
        "file": text(file or _string(frame.get("module")) or "?"),
        "function": text(_string(frame.get("function")) or "?"),
        "line": line if isinstance(line, int) and 0 <= line < 2**31 else None,
        "module": text(_string(frame.get("module"))) or None,
        "in_application": in_application if isinstance(in_application, bool) else None,
        "code": text(_string(frame.get("context_line"))) or None,
    }


def _values(interface: object) -> Iterator[Mapping[str, Any]]:
    """The objects of an interface, which is a list, or a list under "values", or one object."""
    values = _unwrapped(interface)
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, Mapping):
            yield value


def _unwrapped(interface: object) -> object:
    values = interface.get("values") if isinstance(interface, Mapping) else None
    return values if isinstance(values, list) else interface


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
