"""Takes log events over HTTP or by invocation and puts them on the stream logs."""

import os
from typing import Any

from producers.log_event import core
from shared.context import Context
from shared.producer import Producer

_produce = Producer("logs", core.read, os.environ)


def log_event(event: object, context: Context) -> dict[str, Any]:
    """Answers as shared.producer.Producer does."""
    return _produce(event, context)
