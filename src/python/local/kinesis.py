"""The streams and queues: an emulator of Kinesis and SQS as a child process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Iterator
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

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which AWS's SDKs in functions find it."""
        return {"AWS_ENDPOINT_URL_KINESIS": self.endpoint, "AWS_ENDPOINT_URL_SQS": self.endpoint}

    async def shards(self, stream: str) -> list[ShardTypeDef]:
        """The shards of the stream with this name, also those that are closed."""
        response = await asyncio.to_thread(self.client.list_shards, StreamName=stream)
        return response["Shards"]

    async def require(self, streams: Iterable[str], queues: Iterable[str]) -> None:
        """Makes the streams and queues with these names that there are not yet."""

        def create() -> None:
            for name in streams:
                with suppress(self.client.exceptions.ResourceInUseException):
                    self.client.create_stream(StreamName=name, ShardCount=SHARDS_PER_STREAM)
            for name in queues:
                self.queues.create_queue(QueueName=name)

        await asyncio.to_thread(create)

    async def send(self, queue: str, document: object) -> None:
        """Sends a JSON document to the queue with this name."""

        def send() -> None:
            url = self.queues.get_queue_url(QueueName=queue)["QueueUrl"]
            self.queues.send_message(QueueUrl=url, MessageBody=json.dumps(document))

        await asyncio.to_thread(send)


@asynccontextmanager
async def running_kinesis(state: Path, log: IO[bytes]) -> AsyncIterator[Kinesis]:
    """Runs the emulator.

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
        yield Kinesis(endpoint, client, account.sqs_client(endpoint))
    finally:
        await child_process.stop(process)


def _absolute(paths: Iterable[str]) -> Iterator[str]:
    return (str(Path(path).absolute()) for path in paths)
