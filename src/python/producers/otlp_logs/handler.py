"""Takes OpenTelemetry's log records over OTLP/HTTP and puts them on the streams errors and logs."""

import logging
import os
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from producers.otlp_logs import core, json_encoding
from shared import http_api
from shared.context import Context
from shared.http_api import Refused
from shared.producer import EventStreams, new_event_id

# Seconds: by default an exporter gives up 10 seconds after it began.
RETRY_AFTER = 2

_key_hashes = http_api.key_hashes(os.environ)
_streams = EventStreams(["errors", "logs"], os.environ)
_logger = logging.getLogger(__name__)


def otlp_logs(event: object, context: Context) -> dict[str, Any]:
    """Answers as core.answer does, once every record that the answer accepts is in its stream."""
    encoding = json_encoding  # for who names none
    try:
        request = http_api.parse(event)
        if request is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "Only HTTP requests can be taken")
        encoding = core.encoding(request)
        http_api.authorize(request, _key_hashes)
        read = core.read(encoding, http_api.body(request), datetime.now(UTC), new_event_id)
    except Refused as refused:
        _logger.info("Refused: %s", refused)
        return core.refusal(encoding, refused)
    intakes, unavailable = _streams.put(read, context)
    return core.answer(encoding, intakes, unavailable, RETRY_AFTER)
