"""The local cloud: all between `dist/` and a running service, started and stopped in order."""

import asyncio
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

from local import account, function_code, hot_swap, login
from local.asynchronous_invocation import AsynchronousInvocations
from local.clock import WALL_CLOCK, Clock
from local.errors import LocalCloudError
from local.event_source_mapping_shard import ShardPoller
from local.event_source_mappings import EventSourceMappings
from local.function import Function
from local.http_front import MAXIMUM_BODY, HttpFront
from local.kinesis import Kinesis, running_kinesis
from local.lambda_api import LambdaApi
from local.manifest import Manifest, load_manifests
from local.packaged_functions import PackagedFunctions, Triggers
from local.postgres import Postgres, running_postgres
from local.schedule import Schedules
from local.state import locked, secret

MIGRATE = account.deployed_name("consumers.migrate")
FINISH_SECONDS = 0.5  # at the end, for requests in flight

type Progress = Callable[[str, float], None]
"""Told what was done, and in how many seconds."""


@dataclass(frozen=True)
class Cloud:
    """A running local cloud. `functions` are by their deployed names.

    `password` is that of the pages' account, if there is one.
    """

    url: str
    api_key: str
    password: str | None
    functions: Mapping[str, Function]
    packaged: PackagedFunctions
    triggers: Triggers
    postgres: Postgres | None
    kinesis: Kinesis
    state: Path
    progress: Progress

    @property
    def pollers(self) -> list[ShardPoller]:
        """Of all shards that were found so far."""
        return self.triggers.mappings.pollers

    async def watch(self) -> None:
        """Follows what changes in `dist`; never returns.

        Raises LocalCloudError when Kinesis or Postgres has ended.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.triggers.mappings.watch())
                group.create_task(hot_swap.watch(self.packaged, self.triggers, self.progress))
                if self.postgres is not None:
                    group.create_task(self.postgres.watch())
        except* LocalCloudError as failures:
            raise failures.exceptions[0] from None
        except* BotoCoreError as failures:
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
        api_key = secret(state, "api_key")
        with _timed(progress, f"{len(manifests)} functions unpacked"):
            await asyncio.to_thread(_unpack, manifests, dist, state)
        postgres, kinesis = await stack.enter_async_context(
            _running_backends(manifests, state, progress)
        )
        functions: dict[str, Function] = {}
        stack.push_async_callback(_stop, functions)
        packaged = PackagedFunctions(dist, state, functions, postgres, kinesis, api_key, clock)
        for manifest in manifests:
            await packaged.put(manifest, [each.name for each in manifests])
        password = None
        if postgres is not None and MIGRATE in functions:
            with _timed(progress, "Database migrated"):
                await _migrate(functions[MIGRATE])
                await asyncio.to_thread(postgres.let_roles_log_in)
            if login.SET_ACCOUNT in functions:
                password = await login.password(functions[login.SET_ACCOUNT], state)
        events = AsynchronousInvocations(functions, clock, state / "events")
        await stack.enter_async_context(events.running())
        triggers = Triggers(
            HttpFront(), Schedules(events, clock), EventSourceMappings(kinesis, functions, state)
        )
        await stack.enter_async_context(triggers.mappings.running())
        await stack.enter_async_context(triggers.schedules.running())
        for manifest in manifests:
            await packaged.connect(manifest, triggers)
        api = LambdaApi(functions, events, triggers.mappings, state, kinesis.variables)
        await stack.enter_async_context(_serving(listener, api, triggers.http))
        yield Cloud(
            url,
            api_key,
            password,
            functions,
            packaged,
            triggers,
            postgres,
            kinesis,
            state,
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
    manifests: Sequence[Manifest], state: Path, progress: Progress
) -> AsyncIterator[tuple[Postgres | None, Kinesis]]:
    """Runs the streams, and the database if a function needs it, started side by side."""

    logs = state / "logs"

    async def start_postgres(stack: AsyncExitStack) -> Postgres | None:
        if not any(manifest.permissions.database for manifest in manifests):
            return None
        with _timed(progress, "Postgres started"):
            log = stack.enter_context((logs / "postgres.log").open("wb"))
            return await stack.enter_async_context(running_postgres(state, log))

    async def start_kinesis(stack: AsyncExitStack) -> Kinesis:
        with _timed(progress, "Kinesis started"):
            log = stack.enter_context((logs / "kinesis.log").open("wb"))
            return await stack.enter_async_context(running_kinesis(state, log))

    async with AsyncExitStack() as stack:
        try:
            async with asyncio.TaskGroup() as group:
                postgres = group.create_task(start_postgres(stack))
                kinesis = group.create_task(start_kinesis(stack))
        except* LocalCloudError as failures:
            raise failures.exceptions[0] from None
        yield postgres.result(), kinesis.result()


async def _stop(functions: Mapping[str, Function]) -> None:
    await asyncio.gather(*(function.stop() for function in functions.values()))


async def _migrate(migrate: Function) -> None:
    result = await migrate.invoke(b"{}")
    if result.failed:
        reason = json.loads(result.payload)["errorMessage"]
        raise LocalCloudError(f"The database could not be migrated: {reason}")


@asynccontextmanager
async def _serving(listener: socket.socket, api: LambdaApi, http: HttpFront) -> AsyncIterator[None]:
    application = web.Application(client_max_size=MAXIMUM_BODY)
    api.add_routes(application.router)
    http.add_routes(application.router)
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
