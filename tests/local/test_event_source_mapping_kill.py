"""What Kinesis has acknowledged is delivered, also when the whole local cloud is killed."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.account import kinesis_client
from tests.local.streams import REPORT_BAD, Sink, until


@contextmanager
def killed_at_the_end(directory: Path) -> Iterator[str]:
    """Runs the program; yields the address of Kinesis."""
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
    with subprocess.Popen(
        [sys.executable, "-m", "local.serve", "--port", "0", "--json"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            events = map(json.loads, process.stdout)
            yield next(event["kinesis"] for event in events if event["event"] == "ready")
        finally:
            process.kill()


def put(endpoint: str, *datas: str) -> None:
    kinesis_client(endpoint).put_records(
        StreamName="local-tests",
        Records=[{"Data": data.encode(), "PartitionKey": "key"} for data in datas],
    )


def test_a_kill_loses_nothing(sink: Sink, tmp_path: Path) -> None:
    sink.package(REPORT_BAD)
    with killed_at_the_end(tmp_path) as endpoint:
        put(endpoint, "a", "bad", "b")
        asyncio.run(until(lambda: len(sink.batches) == 2))
        put(endpoint, "c")
    before = len(sink.datas)
    sink.package()
    with killed_at_the_end(tmp_path):
        asyncio.run(until(lambda: sink.datas[-1] == "c"))
    assert sink.datas[before:] == ["bad", "b", "c"]
