"""Clients that nobody here wrote, against the packaged functions: what they were told holds."""

import asyncio
import os
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from local import account
from local.cloud import Cloud, running_cloud
from local.invocation import InvocationResult
from local.state import secret
from tests.clients.recording_proxy import MARK, RecordingProxy
from tests.faults.kinesis_front import THROTTLE, KinesisFront

NODE = Path("tests/clients/node").absolute()
PRODUCERS = ("local-producers-sentry_envelope", "local-producers-otlp_logs")
OLDEST_NODE = (20, 19)
CONCURRENCY = 4
COUNT = 5  # events of each kind in a phase
STALLED_SECONDS = 60.0  # without a new row: what is missing then will not come
RATE_LIMIT_SECONDS = 6.0  # what Sentry's SDKs wait after a 429, and a little more


class Client:
    """A program that sends marked events for each line that it reads, and then repeats the line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def send(self, phase: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{phase}\n".encode())
        while (line := await self._process.stdout.readline()).strip() != phase.encode():
            assert line, "The client has ended"


@asynccontextmanager
async def running_client(
    command: Sequence[str], proxy: RecordingProxy, api_key: str, timeout: int
) -> AsyncIterator[Client]:
    """Everything that the SDKs need to know is in the environment variables they document."""
    variables = {
        "SENTRY_DSN": proxy.url.replace("http://", f"http://{api_key}@") + "/1",
        "SENTRY_ENVIRONMENT": "test",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{proxy.url}/v1/logs",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": f"x-api-key={api_key}",
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION": "gzip",
        "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": str(timeout),
        "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path),
        "PATH": os.environ["PATH"],
    }
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=variables)
    try:
        yield Client(process)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def throttled(cloud: Cloud) -> AsyncIterator[KinesisFront]:
    """Has the producers' streams refuse what the front is told to."""
    client = account.lambda_client(cloud.url)
    with KinesisFront(cloud.kinesis.endpoint) as front:
        variables = {"ENVIRONMENT": account.ENVIRONMENT, "AWS_ENDPOINT_URL_KINESIS": front.url}
        for name in PRODUCERS:
            await asyncio.to_thread(
                client.update_function_configuration,
                FunctionName=name,
                Environment={"Variables": variables},
            )
        yield front


async def until_warm(cloud: Cloud) -> None:
    """Starts execution environments: a busy machine's cold starts outlast clients' patience."""
    for name in PRODUCERS:
        invoke = cloud.functions[name].invoke
        results = [InvocationResult(b"", failed=True)]
        while any(result.failed for result in results):
            results = await asyncio.gather(*(invoke(b"{}") for _ in range(CONCURRENCY)))


def stored(cloud: Cloud) -> Counter[str]:
    """How often each mark is in the tables."""
    assert cloud.postgres is not None
    with cloud.postgres.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT message FROM logs UNION ALL SELECT message FROM errors")
        messages = [message for (message,) in cursor.fetchall()]
        cursor.execute("SELECT reason FROM quarantine")
        assert cursor.fetchall() == []
    connection.close()
    return Counter(mark for message in messages for mark in MARK.findall(message))


async def until_stored(cloud: Cloud, expected: set[str]) -> Counter[str]:
    """The marks in the tables, when all that are expected are there or no more come."""
    rows: Counter[str] = Counter()
    waited = 0.0
    while not expected <= rows.keys() and waited < STALLED_SECONDS:
        before, rows = rows, await asyncio.to_thread(stored, cloud)
        waited = 0.0 if rows != before else waited + 0.2
        await asyncio.sleep(0.2)
    return rows


async def exchange(
    directory: Path, command: Sequence[str], timeout: int, sdks: Sequence[str]
) -> None:
    """Sends while all is well, while streams refuse, over a restart, and when all is well again."""

    def marks(phase: str, *of: str) -> set[str]:
        return {f"{sdk}-{phase}-{number}!" for sdk in of or sdks for number in range(COUNT)}

    directory.mkdir(exist_ok=True)
    api_key = secret(directory, "api_key")
    async with (
        RecordingProxy().running() as proxy,
        running_client(command, proxy, api_key, timeout) as client,
    ):
        async with (
            running_cloud(Path(), directory, 0, lambda what, seconds: None) as cloud,
            throttled(cloud) as front,
        ):
            proxy.upstream = cloud.url
            await until_warm(cloud)
            await client.send("calm")
            assert proxy.accepted == marks("calm")
            front.faults.extend([THROTTLE] * 10_000)
            sending = asyncio.create_task(client.send("throttled"))
            while not (sending.done() or {429, 503} <= proxy.statuses.keys()):
                await asyncio.sleep(0.1)
            front.faults.clear()
            await sending
            assert {429, 503} <= proxy.statuses.keys()
            otlp = [sdk for sdk in sdks if "-otlp" in sdk]
            assert marks("throttled", *otlp) <= proxy.accepted
        sending = asyncio.create_task(client.send("restart"))
        while not (sending.done() or 502 in proxy.statuses):
            await asyncio.sleep(0.1)
        async with running_cloud(Path(), directory, 0, lambda what, seconds: None) as cloud:
            await until_warm(cloud)
            proxy.upstream = cloud.url
            await sending
            await asyncio.sleep(RATE_LIMIT_SECONDS)
            await client.send("after")
            assert marks("after") <= proxy.accepted
            rows = await until_stored(cloud, proxy.accepted)
    assert proxy.accepted - rows.keys() == set()
    assert {mark for mark, count in rows.items() if count > 1} == set()
    print(f"{len(proxy.accepted)} events accepted and stored; answers: {dict(proxy.statuses)}")


def test_python(tmp_path: Path) -> None:
    sdks = [f"python-{sdk}" for sdk in ("sentry", "sentrylog", "otlp", "otlperror")]
    command = [sys.executable, "-m", "tests.clients.python_client"]
    asyncio.run(exchange(tmp_path, command, 120, sdks))


def has_node() -> bool:
    """Whether npm is here, and a Node.js that the SDKs run on."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    version = subprocess.check_output(["node", "--version"], text=True)  # v20.19.0
    return tuple(map(int, version.strip("v\n").split(".")[:2])) >= OLDEST_NODE


@pytest.mark.skipif(not has_node(), reason="These SDKs need npm and Node.js 20.19 or newer")
def test_node(tmp_path: Path) -> None:
    modules = tmp_path / "node"
    shutil.copytree(NODE, modules)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit"], cwd=modules, check=True)
    sdks = [
        f"node-{sdk}"
        for sdk in (
            "sentry",
            "sentrylog",
            "otlpjson",
            "otlpjsonerror",
            "otlpproto",
            "otlpprotoerror",
        )
    ]
    asyncio.run(exchange(tmp_path / "state", ["node", str(modules / "client.js")], 120_000, sdks))
