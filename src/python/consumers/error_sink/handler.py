"""Stores error events from the stream errors in the table errors."""

import os
from typing import Any

from shared import sink
from shared.context import Context
from shared.database import Database
from shared.events import ErrorEvent
from shared.rows import error_row
from shared.tables import ERRORS

_database = Database(os.environ)


def error_sink(event: object, context: Context) -> dict[str, Any]:
    """Answers as shared.sink.store does."""
    return sink.store(event, context, _database, ERRORS, ErrorEvent, error_row)
