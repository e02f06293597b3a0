"""What log_event takes: log events."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from shared import ingestion
from shared.events import LogEvent


def read(
    documents: list[bytes], received_at: datetime, new_event_id: Callable[[], UUID]
) -> ingestion.Intake:
    """The log events among the JSON documents of a request, and why the others are none."""
    return ingestion.read(documents, LogEvent, received_at, new_event_id)
