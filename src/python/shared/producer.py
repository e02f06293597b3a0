"""The shell of a producer: request in, events to the stream, answer out."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from shared import http_api, ingestion, redaction
from shared.context import Context
from shared.errors import Misconfiguration
from shared.identifiers import RANDOM_BYTES, uuid7
from shared.records import pack
from shared.stream import Stream

RETRY_AFTER = 5  # seconds

_logger = logging.getLogger(__name__)


type Read = Callable[[list[bytes], datetime, Callable[[], UUID]], ingestion.Intake]


class Producer:
    """Puts what `read` makes of a request on the stream of that name in this ENVIRONMENT.

    Made once, at init; raises Misconfiguration when an environment variable is missing.
    """

    def __init__(self, stream: str, read: Read, environment: Mapping[str, str]) -> None:
        if not environment.get("ENVIRONMENT"):
            raise Misconfiguration("ENVIRONMENT must name the environment, such as local or prod")
        self._key_hashes = http_api.key_hashes(environment)
        self._redacted_names = redaction.names(environment)
        self._read = read
        self._stream = Stream(f"{environment['ENVIRONMENT']}-{stream}")

    def __call__(self, event: object, context: Context) -> dict[str, Any]:
        """Takes an HTTP request, or an event or array of events from an invocation.

        Returns the HTTP response, or for an invocation the response's body alone.
        """
        request = None
        try:
            request = http_api.parse(event)
            if request is not None:
                http_api.authorize(request, self._key_hashes)
                documents = ingestion.split(http_api.body(request))
            else:
                documents = ingestion.split_invocation(event)
            status, content = self._take(documents, context)
        except http_api.Refused as refusal:
            _logger.info("Refused: %s", refusal)
            status, content = refusal.status, {"error": str(refusal)}
        if request is None:
            return content
        unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE
        return http_api.response(status, content, RETRY_AFTER if unavailable else None)

    def _take(self, documents: list[bytes], context: Context) -> tuple[HTTPStatus, dict[str, Any]]:
        read = self._read(documents, datetime.now(UTC), _new_id)
        intake = redaction.redact(read, self._redacted_names)
        records = pack(intake.lines, lambda: str(_new_id()))
        unavailable = self._stream.put(records, context.get_remaining_time_in_millis)
        status, content = ingestion.answer(intake, unavailable)
        _logger.info("Events %s", {outcome: len(entries) for outcome, entries in content.items()})
        return status, content


def _new_id() -> UUID:
    return uuid7(time.time_ns() // 1_000_000, os.urandom(RANDOM_BYTES))
