"""Functions from their zips, in execution environments of the local cloud, for tests that wait."""

import asyncio
import json
import os
import random
import signal
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread, Timer
from types import TracebackType
from typing import Any

from local import function_code
from local.function import Function
from local.function_configuration import changed
from local.invocation import InvocationResult
from local.manifest import load_manifests
from tests.faults.world import InvocationFailed, Invoke
from tests.fixtures import execution_environments
from tests.fixtures.invocation import Context

# What a function is told on AWS too, or would be by the event source and the deployment.
VARIABLES = ("API_KEY_SHA256", "AWS_", "DATABASE_", "ENVIRONMENT", "PG")
HURRIED = 4  # seconds, enough for one attempt at the database


class Packaged:
    """Runs the functions whose zips are in `dist`; `load` gives one in a new environment."""

    def __init__(self, dist: Path, state: Path) -> None:
        self._dist = dist
        self._state = state
        self._functions: list[Function] = []
        self._kill_after: float | None = None
        self._loop: asyncio.AbstractEventLoop
        self._started = Event()
        self._stopping = asyncio.Event()
        self._thread = Thread(target=asyncio.run, args=[self._run()])

    def __enter__(self) -> "Packaged":
        (self._state / "code").mkdir(parents=True)
        function_code.link_runtime_client(self._state / "runtime")
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def load(self, name: str) -> Invoke:
        """The function as it is called in a process of the test's own.

        Of the context's times the first counts: an invocation has them, or else HURRIED, in full.
        """
        (manifest,) = (each for each in load_manifests(self._dist) if each.name == name)
        function_code.unpack_packaged(manifest, self._dist, self._state)
        variables = {name: os.environ[name] for name in os.environ if name.startswith(VARIABLES)}
        configuration = changed(manifest.configuration(), variables=variables)
        unhurried, hurried = (
            Function(changed(configuration, timeout=timeout), self._state, {})
            for timeout in (30, HURRIED)
        )
        self._functions += [unhurried, hurried]

        def invoke(event: dict[str, Any], context: Context) -> dict[str, Any]:
            in_time = context.get_remaining_time_in_millis() > HURRIED * 1000
            result = self._invoke(unhurried if in_time else hurried, json.dumps(event).encode())
            answer: dict[str, Any] = json.loads(result.payload)
            if result.failed:
                raise InvocationFailed(answer["errorMessage"])
            return answer

        return invoke

    def kill_next(self, seconds: float | None) -> None:
        """The next invocation has its environment killed after that time, unless it ends before."""
        self._kill_after = seconds

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started.set()
        await self._stopping.wait()
        for function in self._functions:
            await function.stop()

    def _invoke(self, function: Function, payload: bytes) -> InvocationResult:
        seconds, self._kill_after = self._kill_after, None
        if seconds is None:
            return self._wait(function.invoke(payload))
        timer = Timer(seconds, kill_one, [function.latest.handler])
        timer.start()
        try:
            return self._wait(function.invoke(payload))
        finally:
            timer.cancel()
            timer.join()

    def _wait[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def kill_one(handler: str) -> None:
    """Kills an execution environment of a function, if there is one."""
    if environments := list(execution_environments.running(handler)):
        with suppress(ProcessLookupError):
            os.kill(random.choice(environments), signal.SIGKILL)
