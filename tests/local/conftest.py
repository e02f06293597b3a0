"""Small functions, packaged as the build does it, and a local cloud or an AWS account for them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.account import lambda_client, role_arn
from local.clock import WALL_CLOCK, Clock
from local.cloud import Cloud, running_cloud
from local.invocation import InvocationResult
from tests.local.accounts import ARCHITECTURES, Account, Deploy, Deployed, deployed
from tests.local.consumers import Consume, Consumer, consuming
from tests.local.failure_queues import FailureQueue, created_queue
from tests.local.streams import Sink


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., None]:
    """Writes the zip and manifest of a function with this source to tmp_path/dist."""

    def write(name: str, source: str, **fields: Any) -> None:
        archive = tmp_path / "dist" / f"{name}.zip"
        archive.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(archive, "w") as zip_file:
            zip_file.writestr(f"{name.replace('.', '/')}/handler.py", source)
        content = archive.read_bytes()
        manifest = {
            "name": name,
            "handler": f"{name}.handler.handler",
            "runtime": "python3.13",
            "architecture": ARCHITECTURES[platform.machine()],
            "zip": {
                "file": archive.name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "unpacked_size": len(source),
            },
            "memory": 128,
            "timeout": 10,
            "reserved_concurrency": None,
            "on_failure": None,
            "trigger": None,
            "permissions": {"writes_to": [], "database": None},
            "environments": None,
            **fields,
        }
        archive.with_suffix(".json").write_text(json.dumps(manifest))

    return write


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    """Runs an async test with a local cloud of all that was packaged."""

    def run_with_cloud(test: Callable[[Cloud], Awaitable[None]], clock: Clock = WALL_CLOCK) -> None:
        async def main() -> None:
            dist, state = tmp_path / "dist", tmp_path / "state"
            async with running_cloud(dist, state, 0, lambda what, seconds: None, clock) as cloud:
                await test(cloud)

        asyncio.run(main())

    return run_with_cloud


async def result_of(cloud: Cloud, event: object) -> InvocationResult:
    """What comes of invoking `tests.one`."""
    return await cloud.functions["local-tests-one"].invoke(json.dumps(event).encode())


async def invoke(cloud: Cloud, event: object) -> Any:
    """What `tests.one` answers, or the document of its error."""
    return json.loads((await result_of(cloud, event)).payload)


class ManualClock(Clock):
    """A clock that is ahead at once by what anybody sleeps, up to `end`: there, time stands."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.moment = start
        self.slept: list[float] = []
        self._end = end

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.moment + timedelta(seconds=seconds) > self._end:
            await asyncio.Event().wait()
        self.moment += timedelta(seconds=seconds)
        await asyncio.sleep(0)


@pytest.fixture
def day() -> ManualClock:
    """A Wednesday, as long as it takes its sleepers."""
    return ManualClock(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC))


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A local cloud without functions of its own; or, when AWS_LAMBDA_ROLE_ARN is the execution
    role for functions, the AWS account that boto3 finds credentials for."""
    if role := os.environ.get("AWS_LAMBDA_ROLE_ARN"):
        yield Account(
            boto3.client("lambda"), boto3.client("kinesis"), boto3.client("sqs"), role, None
        )
        return
    with running_beside(tmp_path_factory.mktemp("cloud")) as cloud:
        yield Account(
            lambda_client(cloud.url),
            cloud.kinesis.client,
            cloud.kinesis.queues,
            role_arn("tests"),
            cloud.url,
        )


@pytest.fixture
def deploy(account: Account) -> Iterator[Deploy]:
    """Deploys a function with this source; `fields` are those of CreateFunction."""
    with ExitStack() as stack:

        def deploy_function(
            source: str, reserved_concurrency: int | None = None, **fields: Any
        ) -> Deployed:
            function = stack.enter_context(deployed(account, source, **fields))
            if reserved_concurrency is not None:
                account.functions.put_function_concurrency(
                    FunctionName=function.name, ReservedConcurrentExecutions=reserved_concurrency
                )
            return function

        yield deploy_function


@pytest.fixture
def consume(account: Account) -> Iterator[Consume]:
    """Deploys a consumer; `fields` are those of CreateEventSourceMapping.

    `answer` is what it does with the records' `datas` and sequence `numbers`, at the end.
    """
    with ExitStack() as stack:

        def start(answer: str = "pass", **fields: Any) -> Consumer:
            return stack.enter_context(consuming(account, answer, **fields))

        yield start


@pytest.fixture
def failures(account: Account) -> Iterator[FailureQueue]:
    with created_queue(account) as queue:
        yield queue


@contextmanager
def running_beside(directory: Path) -> Iterator[Cloud]:
    """Runs a local cloud in a thread."""
    started: Future[tuple[Cloud, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        dist, state = directory / "dist", directory / "state"
        async with running_cloud(dist, state, 0, lambda what, seconds: None) as cloud:
            started.set_result((cloud, asyncio.get_running_loop(), stop))
            await stop.wait()

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(lambda: asyncio.run(main()))
        either: list[Future[Any]] = [started, ended]
        wait(either, return_when=FIRST_COMPLETED)
        if ended.done():
            ended.result()
        cloud, loop, stop = started.result()
        try:
            yield cloud
        finally:
            loop.call_soon_threadsafe(stop.set)


@pytest.fixture
def sink(package: Callable[..., None], tmp_path: Path) -> Sink:
    return Sink(package, tmp_path)
