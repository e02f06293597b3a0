"""What was accepted is delivered, also when the whole local cloud is killed."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.account import kinesis_client, lambda_client
from tests.fixtures.local_cloud import running_local_cloud
from tests.local.streams import REPORT_BAD, Sink, until


@contextmanager
def killed_at_the_end(directory: Path) -> Iterator[Any]:
    """Runs the program; yields what it says when it is ready."""
    with running_local_cloud(directory=directory) as (process, ready):
        try:
            yield ready
        finally:
            process.kill()


def put(ready: Any, *datas: str) -> None:
    kinesis_client(ready["kinesis"]).put_records(
        StreamName="local-tests",
        Records=[{"Data": data.encode(), "PartitionKey": "key"} for data in datas],
    )


def test_a_kill_loses_no_record(sink: Sink, tmp_path: Path) -> None:
    sink.package(REPORT_BAD)
    with killed_at_the_end(tmp_path) as ready:
        put(ready, "a", "bad", "b")
        asyncio.run(until(lambda: len(sink.batches) == 2))
        put(ready, "c")
    before = len(sink.datas)
    sink.package()
    with killed_at_the_end(tmp_path):
        asyncio.run(until(lambda: sink.datas[-1] == "c"))
    assert sink.datas[before:] == ["bad", "b", "c"]


def test_a_kill_loses_no_asynchronous_invocation(
    package: Callable[..., None], tmp_path: Path
) -> None:
    end = tmp_path / "end"
    source = f"""
import pathlib, time
def handler(event, context):
    while not pathlib.Path({str(end)!r}).exists():
        time.sleep(0.01)
    pathlib.Path({str(tmp_path / "taken")!r}).write_text(event)
"""
    package("tests.one", source, timeout=60)
    with killed_at_the_end(tmp_path) as ready:
        lambda_client(ready["url"]).invoke(
            FunctionName="local-tests-one", InvocationType="Event", Payload='"accepted"'
        )
    end.touch()
    with killed_at_the_end(tmp_path):
        taken = tmp_path / "taken"
        asyncio.run(until(lambda: taken.exists() and taken.read_text() == "accepted"))
