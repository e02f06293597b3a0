"""Small functions, packaged as the build does it, and a local cloud or an AWS account for them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import uuid
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local.account import lambda_client
from local.clock import WALL_CLOCK, Clock
from local.cloud import Cloud, running_cloud
from local.invocation import InvocationResult
from tests.local.streams import Sink

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}


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
    return await cloud.functions["tests.one"].invoke(json.dumps(event).encode())


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


@dataclass(frozen=True)
class Deployed:
    """A function, and who can invoke it. `url` is None on AWS."""

    client: LambdaClient
    name: str
    url: str | None

    def invoke(self, event: object, **arguments: Any) -> Any:
        """Invokes the function; the payload of the answer is under "Payload", decoded."""
        answer: Any = self.client.invoke(
            FunctionName=self.name, Payload=json.dumps(event), **arguments
        )
        payload = answer["Payload"].read()
        return {**answer, "Payload": json.loads(payload) if payload else None}


@pytest.fixture
def deploy(package: Callable[..., None], tmp_path: Path) -> Iterator[Callable[..., Deployed]]:
    """Deploys a function with this source, with `memory`, `timeout` and `reserved_concurrency`.

    It goes to a local cloud; or, when AWS_LAMBDA_ROLE_ARN is the execution role for it, to the AWS
    account that boto3 finds credentials for.
    """
    with ExitStack() as stack:

        def deploy_function(source: str, **fields: Any) -> Deployed:
            package("tests.one", source, **fields)
            if role := os.environ.get("AWS_LAMBDA_ROLE_ARN"):
                archive = (tmp_path / "dist" / "tests.one.zip").read_bytes()
                return stack.enter_context(on_aws(role, archive, **fields))
            url = stack.enter_context(running_beside(tmp_path))
            return Deployed(lambda_client(url), "local-tests-one", url)

        yield deploy_function


@contextmanager
def running_beside(directory: Path) -> Iterator[str]:
    """Runs a local cloud in a thread; yields its address."""
    started: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        dist, state = directory / "dist", directory / "state"
        async with running_cloud(dist, state, 0, lambda what, seconds: None) as cloud:
            started.set_result((cloud.url, asyncio.get_running_loop(), stop))
            await stop.wait()

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(lambda: asyncio.run(main()))
        either: list[Future[Any]] = [started, ended]
        wait(either, return_when=FIRST_COMPLETED)
        if ended.done():
            ended.result()
        url, loop, stop = started.result()
        try:
            yield url
        finally:
            loop.call_soon_threadsafe(stop.set)


@contextmanager
def on_aws(
    role: str,
    archive: bytes,
    memory: int = 128,
    timeout: int = 10,
    reserved_concurrency: int | None = None,
) -> Iterator[Deployed]:
    client: LambdaClient = boto3.client("lambda")
    name = f"conformance-{uuid.uuid4()}"
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Architectures=["arm64" if platform.machine() == "aarch64" else "x86_64"],
        Role=role,
        Handler="tests.one.handler.handler",
        Code={"ZipFile": archive},
        MemorySize=memory,
        Timeout=timeout,
    )
    try:
        client.get_waiter("function_active_v2").wait(FunctionName=name)
        if reserved_concurrency is not None:
            client.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved_concurrency
            )
        yield Deployed(client, name, None)
    finally:
        client.delete_function(FunctionName=name)


@pytest.fixture
def sink(package: Callable[..., None], tmp_path: Path) -> Sink:
    return Sink(package, tmp_path)
