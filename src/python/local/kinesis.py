"""The streams: an emulator of Kinesis as a child process."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from local import account, child_process
from local.errors import LocalCloudError

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

SHARDS_PER_STREAM = 2


@dataclass(frozen=True)
class Kinesis:
    endpoint: str
    client: KinesisClient

    async def shard_ids(self, stream: str) -> list[str]:
        """The shards of the stream that manifests call `stream`."""
        response = await asyncio.to_thread(
            self.client.list_shards, StreamName=account.stream_name(stream)
        )
        return [shard["ShardId"] for shard in response["Shards"]]


@asynccontextmanager
async def running_kinesis(
    streams: Sequence[str], directory: Path, log: IO[bytes]
) -> AsyncIterator[Kinesis]:
    """Runs the emulator with these streams, empty. It keeps records in memory: they end with it."""
    process = await child_process.start(
        [sys.executable, "-m", "local.kinesis_server"],
        directory=directory,
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
        for stream in streams:
            await asyncio.to_thread(
                client.create_stream,
                StreamName=account.stream_name(stream),
                ShardCount=SHARDS_PER_STREAM,
            )
        yield Kinesis(endpoint, client)
    finally:
        await child_process.stop(process)


def _absolute(paths: Iterable[str]) -> Iterator[str]:
    return (str(Path(path).absolute()) for path in paths)
