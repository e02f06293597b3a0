"""What a log event is as a row of the table logs."""

from typing import Any

from shared.events import LogEvent


def make_row(event: LogEvent) -> dict[str, Any]:
    """The values of shared.tables.LOGS, by column."""
    return {
        "event_id": event.event_id,
        "occurred_at": event.occurred_at,
        "service": event.service,
        "environment": event.environment,
        "level": event.level,
        "message": event.message,
        "attributes": event.attributes,
    }
