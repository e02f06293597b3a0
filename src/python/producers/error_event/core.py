"""What error_event takes: error events."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from shared import ingestion
from shared.events import ErrorEvent


def read(
    documents: list[bytes], received_at: datetime, new_event_id: Callable[[], UUID]
) -> ingestion.Intake:
    """The error events among the JSON documents of a request, and why the others are none."""
    return ingestion.read(documents, ErrorEvent, received_at, new_event_id)
