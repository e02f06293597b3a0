"""Takes what Sentry's SDKs send and puts it on the streams errors and logs."""

import logging
import os
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from producers.sentry_envelope import core
from producers.sentry_envelope.encodings import ENCODINGS
from shared import http_api
from shared.context import Context
from shared.http_api import Refused
from shared.producer import RETRY_AFTER, EventStreams, new_event_id

_key_hashes = http_api.key_hashes(os.environ)
_streams = EventStreams(["errors", "logs"], os.environ)
_logger = logging.getLogger(__name__)


def sentry_envelope(event: object, context: Context) -> dict[str, Any]:
    """Answers as core.answer does, once every event that the answer accepts is in its stream."""
    try:
        request = http_api.parse(event)
        if request is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "Only HTTP requests can be taken")
        key = core.key_of_request(request)
        if key is not None:
            _authorize(key)
        body = http_api.body(request, ENCODINGS)
        if key is None:
            _authorize(core.key_of_envelope(body))
        content = core.read(request, body, datetime.now(UTC), new_event_id)
    except Refused as refused:
        _logger.info("Refused: %s", refused)
        return core.refusal(refused)
    _logger.info("Items: %s", dict(content.counts))
    intakes, unavailable = _streams.put(content.intakes, context)
    return core.answer(content.event_id, intakes, unavailable, RETRY_AFTER)


def _authorize(key: str | None) -> None:
    if key is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "A DSN is needed: its public key is missing")
    if not http_api.is_valid(key, _key_hashes):
        raise Refused(HTTPStatus.FORBIDDEN, "The DSN's public key is no ingestion key")
