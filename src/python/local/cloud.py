"""The local cloud: all between `dist/` and a running service, started and stopped in order."""

import asyncio
import hashlib
import json
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from botocore.exceptions import BotoCoreError

from local import account, function_code, hot_swap, http_front
from local.asynchronous_invocation import AsynchronousInvocations, require_destination
from local.clock import WALL_CLOCK, Clock
from local.errors import LocalCloudError
from local.event_source_mapping import EventSourceMapping
from local.event_source_mapping_shard import ShardPoller
from local.function import Function
from local.kinesis import Kinesis, running_kinesis
from local.lambda_api import LambdaApi
from local.manifest import (
    HttpTrigger,
    Manifest,
    StreamTrigger,
    load_manifests,
    queues_of,
    streams_of,
)
from local.postgres import Postgres, running_postgres
from local.schedule import running_schedules
from local.state import locked, secret

MIGRATE = account.deployed_name("consumers.migrate")
FINISH_SECONDS = 0.5  # at the end, for requests in flight

type Progress = Callable[[str, float], None]
"""Told what was done, and in how many seconds."""


@dataclass(frozen=True)
class Cloud:
    """A running local cloud.

    `functions` are by their deployed names, `packaged` are the names in `dist/`.
    """

    url: str
    api_key: str
    functions: Mapping[str, Function]
    packaged: Mapping[str, Manifest]
    mappings: Sequence[EventSourceMapping]
    postgres: Postgres | None
    kinesis: Kinesis
    _polling: Sequence[asyncio.Task[None]]
    state: Path
    dist: Path
    progress: Progress

    @property
    def pollers(self) -> list[ShardPoller]:
        """Of all shards that were found so far."""
        return [poller for mapping in self.mappings for poller in mapping.pollers.values()]

    async def watch(self) -> None:
        """Takes new code from `dist`; never returns, but raises when Kinesis is gone."""
        swapping = hot_swap.watch(
            self.dist, self.state, self.functions, self.packaged, self.progress
        )
        try:
            await asyncio.gather(*self._polling, swapping)
        except ExceptionGroup as failures:
            if failures.subgroup(BotoCoreError) is None:
                raise
            raise LocalCloudError("The emulator of Kinesis has ended.") from failures


@asynccontextmanager
async def running_cloud(
    dist: Path, state: Path, port: int, progress: Progress, clock: Clock = WALL_CLOCK
) -> AsyncIterator[Cloud]:
    """Runs every function in `dist` that may exist locally, with all it needs.

    It is reached on `port` of the loopback interface (0: any free one). What is in the streams at
    the end is delivered after the next start. Raises LocalCloudError when it can't start.
    """
    state = state.resolve()  # the children have other working directories
    async with AsyncExitStack() as stack:
        stack.enter_context(locked(state))
        stack.callback(function_code.kill_leftovers, state)
        listener = stack.enter_context(_listener(port))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        manifests = load_manifests(dist)
        for manifest in manifests:
            require_destination(manifest, [each.name for each in manifests])
        api_key = secret(state, "api_key")
        logs = state / "logs"
        with _timed(progress, f"{len(manifests)} functions unpacked"):
            await asyncio.to_thread(_unpack, manifests, dist, state)
        postgres, kinesis = await stack.enter_async_context(
            _running_backends(manifests, state, logs, progress)
        )
        functions: dict[str, Function] = {}
        stack.push_async_callback(_stop, functions)
        for manifest in manifests:
            variables = _variables(manifest, api_key, postgres, kinesis)
            function = Function(manifest.configuration(), state, variables)
            function.take_settings(manifest)
            functions[function.name] = function
        if postgres is not None and MIGRATE in functions:
            with _timed(progress, "Database migrated"):
                await _migrate(functions[MIGRATE])
                await asyncio.to_thread(postgres.let_roles_log_in)
        mappings = _mappings(functions, kinesis, state)
        polling = await stack.enter_async_context(_polling(mappings))
        events = AsynchronousInvocations(functions, clock)
        await stack.enter_async_context(events.running())
        await stack.enter_async_context(running_schedules(functions.values(), events, clock))
        api = LambdaApi(functions, events, state, _endpoints(kinesis))
        await stack.enter_async_context(_serving(listener, functions, api))
        packaged = {manifest.name: manifest for manifest in manifests}
        yield Cloud(
            url,
            api_key,
            functions,
            packaged,
            mappings,
            postgres,
            kinesis,
            polling,
            state,
            dist,
            progress,
        )


def _unpack(manifests: Sequence[Manifest], dist: Path, state: Path) -> None:
    """Clears what the run before has left, and unpacks the functions' code."""
    function_code.kill_leftovers(state)
    for directory in ("logs", "tmp"):
        shutil.rmtree(state / directory, ignore_errors=True)
    (state / "logs").mkdir()
    function_code.link_runtime_client(state / "runtime")
    function_code.remove_all_but({manifest.zip.sha256 for manifest in manifests}, state)
    for manifest in manifests:
        function_code.unpack_packaged(manifest, dist, state)


@asynccontextmanager
async def _running_backends(
    manifests: Sequence[Manifest], state: Path, logs: Path, progress: Progress
) -> AsyncIterator[tuple[Postgres | None, Kinesis]]:
    """Runs the streams, and the database if a function needs it, started side by side."""

    async def start_postgres(stack: AsyncExitStack) -> Postgres | None:
        if not any(manifest.permissions.database for manifest in manifests):
            return None
        with _timed(progress, "Postgres started"):
            log = stack.enter_context((logs / "postgres.log").open("wb"))
            return await stack.enter_async_context(running_postgres(state, log))

    async def start_kinesis(stack: AsyncExitStack) -> Kinesis:
        with _timed(progress, "Kinesis started"):
            log = stack.enter_context((logs / "kinesis.log").open("wb"))
            return await stack.enter_async_context(
                running_kinesis(streams_of(manifests), queues_of(manifests), state, log)
            )

    async with AsyncExitStack() as stack:
        try:
            async with asyncio.TaskGroup() as group:
                postgres = group.create_task(start_postgres(stack))
                kinesis = group.create_task(start_kinesis(stack))
        except* LocalCloudError as failures:
            raise failures.exceptions[0] from None
        yield postgres.result(), kinesis.result()


def _variables(
    manifest: Manifest, api_key: str, postgres: Postgres | None, kinesis: Kinesis
) -> dict[str, str]:
    variables = {}
    if isinstance(manifest.trigger, HttpTrigger):
        variables["API_KEY_SHA256"] = hashlib.sha256(api_key.encode()).hexdigest()
    if manifest.permissions.writes_to or manifest.permissions.reads_from:
        variables |= _endpoints(kinesis)
    if postgres is not None and manifest.permissions.database is not None:
        variables |= postgres.variables(manifest.permissions.database)
    return variables


def _endpoints(kinesis: Kinesis) -> dict[str, str]:
    """Has the AWS SDKs in functions talk to the local cloud."""
    return {"AWS_ENDPOINT_URL_KINESIS": kinesis.endpoint, "AWS_ENDPOINT_URL_SQS": kinesis.endpoint}


async def _stop(functions: Mapping[str, Function]) -> None:
    await asyncio.gather(*(function.stop() for function in functions.values()))


async def _migrate(migrate: Function) -> None:
    result = await migrate.invoke(b"{}")
    if result.failed:
        reason = json.loads(result.payload)["errorMessage"]
        raise LocalCloudError(f"The database could not be migrated: {reason}")


def _mappings(
    functions: Mapping[str, Function], kinesis: Kinesis, state: Path
) -> list[EventSourceMapping]:
    return [
        EventSourceMapping(kinesis, trigger, function, state)
        for function in functions.values()
        if isinstance(trigger := function.trigger, StreamTrigger)
    ]


@asynccontextmanager
async def _polling(
    mappings: Sequence[EventSourceMapping],
) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(mapping.run()) for mapping in mappings]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _serving(
    listener: socket.socket, functions: Mapping[str, Function], api: LambdaApi
) -> AsyncIterator[None]:
    application = web.Application(client_max_size=http_front.MAXIMUM_BODY)
    api.add_routes(application.router)
    http_front.add_routes(application.router, functions.values())
    runner = web.AppRunner(
        application, access_log=None, auto_decompress=False, shutdown_timeout=FINISH_SECONDS
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


@contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    """Takes the port before anything is started; who connects early waits until it is served."""
    try:
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError as error:
        raise LocalCloudError(
            f"Port {port} can't be used ({error.strerror}): choose another with --port."
        ) from error
    with listener:
        yield listener


@contextmanager
def _timed(progress: Progress, what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    progress(what, time.monotonic() - started)
