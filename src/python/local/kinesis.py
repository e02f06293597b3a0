"""The streams and queues: an emulator of Kinesis and SQS as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from local import account, child_process
from local.errors import LocalCloudError

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import ShardTypeDef
    from mypy_boto3_sqs import SQSClient

SHARDS_PER_STREAM = 2


@dataclass(frozen=True)
class Kinesis:
    endpoint: str  # of SQS too
    client: KinesisClient
    queues: SQSClient

    async def shards(self, stream: str) -> list[ShardTypeDef]:
        """The shards of the stream that manifests call `stream`, also those that are closed."""
        response = await asyncio.to_thread(
            self.client.list_shards, StreamName=account.stream_name(stream)
        )
        return response["Shards"]

    async def send(self, queue: str, document: object) -> None:
        """Sends a JSON document to the queue that manifests call `queue`."""

        def send() -> None:
            url = self.queues.get_queue_url(QueueName=account.queue_name(queue))["QueueUrl"]
            self.queues.send_message(QueueUrl=url, MessageBody=json.dumps(document))

        await asyncio.to_thread(send)


@asynccontextmanager
async def running_kinesis(
    streams: Sequence[str], queues: Sequence[str], state: Path, log: IO[bytes]
) -> AsyncIterator[Kinesis]:
    """Runs the emulator with these streams and queues.

    The streams keep what they hold in `state`; the queues are in memory and end with it.
    """
    process = await child_process.start(
        [sys.executable, "-m", "local.kinesis_server", "kinesis.journal"],
        directory=state,
        variables={"PYTHONPATH": os.pathsep.join(_absolute(sys.path)), "TZ": "UTC"},
        log=log,
        stdout=PIPE,
    )
    try:
        assert process.stdout is not None
        port = (await process.stdout.readline()).decode().strip()
        if not port:
            raise LocalCloudError(f"The emulator of Kinesis did not start: {log.name} says why.")
        endpoint = f"http://127.0.0.1:{port}"
        client = await asyncio.to_thread(account.kinesis_client, endpoint)
        kinesis = Kinesis(endpoint, client, account.sqs_client(endpoint))
        await asyncio.to_thread(_create, kinesis, streams, queues)
        yield kinesis
    finally:
        await child_process.stop(process)


def _create(kinesis: Kinesis, streams: Sequence[str], queues: Sequence[str]) -> None:
    for name in map(account.stream_name, streams):
        with suppress(kinesis.client.exceptions.ResourceInUseException):
            kinesis.client.create_stream(StreamName=name, ShardCount=SHARDS_PER_STREAM)
    for name in map(account.queue_name, queues):
        kinesis.queues.create_queue(QueueName=name)


def _absolute(paths: Iterable[str]) -> Iterator[str]:
    return (str(Path(path).absolute()) for path in paths)
