"""Stores log events from the stream logs in the table logs."""

import os
from typing import Any

from consumers.log_sink import core
from shared import sink
from shared.context import Context
from shared.database import Database
from shared.tables import LOGS

_database = Database(os.environ)


def log_sink(event: object, context: Context) -> dict[str, Any]:
    """Answers as shared.sink.store does."""
    return sink.store(core.groups(event), context, _database, LOGS)
