"""Stores error events from the stream errors in the table errors."""

import os
from typing import Any

from consumers.error_sink import core
from shared import sink
from shared.context import Context
from shared.database import Database
from shared.tables import ERRORS

_database = Database(os.environ)


def error_sink(event: object, context: Context) -> dict[str, Any]:
    """Answers as shared.sink.store does."""
    return sink.store(core.groups(event), context, _database, ERRORS)
