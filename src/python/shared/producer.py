"""The shell of a producer: request in, events to the stream, answer out."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
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


class EventStreams:
    """The streams of these names in this ENVIRONMENT.

    Made once, at init; raises Misconfiguration when an environment variable is missing.
    """

    def __init__(self, names: Iterable[str], environment: Mapping[str, str]) -> None:
        if not environment.get("ENVIRONMENT"):
            raise Misconfiguration("ENVIRONMENT must name the environment, such as local or prod")
        self._redacted_names = redaction.names(environment)
        self._streams = {name: Stream(f"{environment['ENVIRONMENT']}-{name}") for name in names}

    def put(
        self, intakes: Mapping[str, ingestion.Intake], context: Context
    ) -> tuple[dict[str, ingestion.Intake], dict[str, set[int]]]:
        """Puts each intake on the stream of that name, without what is to be redacted.

        Returns the intakes as they were put, and for each the indexes of the events that the stream
        did not take.
        """
        redacted = {
            name: redaction.redact(intake, self._redacted_names) for name, intake in intakes.items()
        }
        unavailable = {}
        for name, intake in redacted.items():
            records = pack(intake.lines, lambda: str(new_event_id()))
            refused = self._streams[name].put(records, context.get_remaining_time_in_millis)
            counts = {
                "accepted": len(intake.ids) - len(refused),
                "rejected": len(intake.rejected),
                "unavailable": len(refused),
            }
            _logger.info("Events for %s: %s", name, counts)
            unavailable[name] = refused
        return redacted, unavailable


class Producer:
    """Puts what `read` makes of a request on the stream of that name in this ENVIRONMENT.

    Made once, at init; raises Misconfiguration when an environment variable is missing.
    """

    def __init__(self, stream: str, read: Read, environment: Mapping[str, str]) -> None:
        self._key_hashes = http_api.key_hashes(environment)
        self._read = read
        self._stream = stream
        self._streams = EventStreams([stream], environment)

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
        read = self._read(documents, datetime.now(UTC), new_event_id)
        intakes, unavailable = self._streams.put({self._stream: read}, context)
        return ingestion.answer(intakes[self._stream], unavailable[self._stream])


def new_event_id() -> UUID:
    """A UUIDv7 of now."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(RANDOM_BYTES))
