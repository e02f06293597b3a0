"""From the items "log" of Sentry's structured logs to log events.

Source: "Logs", Sentry developer documentation.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from producers.sentry_envelope.error_events import ENVIRONMENT, service, time
from shared.foreign import storable, text

_LEVELS = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "fatal": "CRITICAL",
}


def log_documents(payload: object, project: str, received_at: datetime) -> Iterator[dict[str, Any]]:
    """Each log of an item's payload as a JSON object; none where the payload has none."""
    logs = payload.get("items") if isinstance(payload, Mapping) else None
    for log in logs if isinstance(logs, list) else []:
        if isinstance(log, Mapping):
            yield _log_document(log, project, received_at)


def _log_document(log: Mapping[str, Any], project: str, received_at: datetime) -> dict[str, Any]:
    attributes = _attributes(log.get("attributes"))
    release = {"release": attributes.get("sentry.release"), "tags": attributes}
    level, environment = log.get("level"), attributes.get("sentry.environment")
    ids = {name: log[name] for name in ("trace_id", "span_id") if isinstance(log.get(name), str)}
    return {
        "occurred_at": time(log.get("timestamp"), received_at).isoformat(),
        "service": service(release, project),
        "environment": text(str(environment or ENVIRONMENT), 64),
        "level": _LEVELS.get(level, "INFO") if isinstance(level, str) else "INFO",
        "message": text(str(log.get("body", ""))),
        "attributes": storable({**attributes, **ids}),
    }


def _attributes(given: object) -> dict[str, Any]:
    """Attributes without their types, which JSON shows: {"a": {"value": 1, "type": "integer"}}."""
    if not isinstance(given, Mapping):
        return {}
    return {
        name: value["value"] if isinstance(value, Mapping) and "value" in value else value
        for name, value in given.items()
    }
