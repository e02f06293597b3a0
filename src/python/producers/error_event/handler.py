"""Takes error events over HTTP or by invocation and puts them on the stream errors."""

import os
from typing import Any

from producers.error_event import core
from shared.context import Context
from shared.producer import Producer

_produce = Producer("errors", core.read, os.environ)


def error_event(event: object, context: Context) -> dict[str, Any]:
    """Answers as shared.producer.Producer does."""
    return _produce(event, context)
