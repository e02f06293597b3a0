"""Puts records on a Kinesis stream: what is refused is sent again, or else reported."""

import logging
import time
from collections.abc import Callable, Sequence
from random import SystemRandom
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from shared.errors import Misconfiguration
from shared.records import Record, take_request

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

CONNECT_TIMEOUT = 1  # seconds
READ_TIMEOUT = 2  # seconds
MAXIMUM_BACKOFF = 1.0  # seconds
# An attempt begun with less could outlast the invocation, and nobody would learn what came of it.
ATTEMPT_MILLISECONDS = (CONNECT_TIMEOUT + READ_TIMEOUT) * 1000 + 250

# Beside every status from 500 on.
_RETRYABLE = {
    "KMSThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestTimeout",
    "ThrottlingException",
}

_logger = logging.getLogger(__name__)
# Not what a snapshot would have all environments that are restored from it repeat.
_random = SystemRandom()


class Stream:
    """A stream by its name; one client for the life of the execution environment."""

    def __init__(self, name: str) -> None:
        self._name = name
        # One attempt a call: the client's own retries would send a whole request again, and know
        # nothing of the time that is left.
        # botocore is the core of boto3, whose rest would only cost the cold start.
        client = Session().create_client(
            "kinesis",
            config=Config(
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=READ_TIMEOUT,
                retries={"total_max_attempts": 1},
                tcp_keepalive=True,
            ),
        )
        self._client = cast("KinesisClient", client)

    def put(self, records: Sequence[Record], remaining_milliseconds: Callable[[], int]) -> set[int]:
        """Puts the records, as often as the time allows, with full-jitter backoff.

        Returns the indexes of the events that Kinesis has not acknowledged. One of them may be in
        the stream all the same, when its answer was lost; its event_id makes that harmless.
        Raises Misconfiguration when Kinesis says that trying again is no use.
        """
        pending = list(records)
        ceiling = 0.05
        while pending and remaining_milliseconds() > ATTEMPT_MILLISECONDS:
            request, waiting = take_request(pending)
            refused = self._put_once(request)
            pending = refused + waiting
            if refused:
                time.sleep(_random.uniform(0, ceiling))
                ceiling = min(2 * ceiling, MAXIMUM_BACKOFF)
        return {index for record in pending for index in record.indexes}

    def _put_once(self, request: list[Record]) -> list[Record]:
        """The records of a PutRecords request that Kinesis did not acknowledge."""
        try:
            result = self._client.put_records(
                StreamName=self._name,
                Records=[
                    {"Data": record.data, "PartitionKey": record.partition_key}
                    for record in request
                ],
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if code not in _RETRYABLE and status < 500:
                raise Misconfiguration(f"The stream {self._name} cannot be used: {code}") from None
            _logger.warning("PutRecords on %s failed: %s", self._name, code)
            return request
        except BotoCoreError as error:
            _logger.warning("PutRecords on %s failed: %s", self._name, type(error).__name__)
            return request
        entries = result.get("Records", [])
        if len(entries) != len(request):
            _logger.warning("PutRecords on %s was answered by something else", self._name)
            return request
        refused = [
            record
            for record, entry in zip(request, entries, strict=True)
            if not entry.get("SequenceNumber")
        ]
        if refused:
            _logger.warning(
                "PutRecords on %s refused %d of %d records: %s",
                self._name,
                len(refused),
                len(request),
                ", ".join(sorted({entry.get("ErrorCode", "") for entry in entries} - {""})),
            )
        return refused
