"""A function with its execution environments, and what the status shows of it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from local.account import deployed_name
from local.execution_environment import ExecutionEnvironment
from local.invocation import Invocation, InvocationResult, throttled
from local.manifest import Manifest

# A laptop is not Lambda: invocations past this concurrency wait for an environment.
MAXIMUM_ENVIRONMENTS = 8


class Function:
    """Runs each concurrent invocation in an environment of its own and keeps these for the next.

    `code` is the unpacked zip, `state` the directory of the local cloud's state.
    """

    def __init__(
        self, manifest: Manifest, code: Path, state: Path, variables: Mapping[str, str]
    ) -> None:
        self.manifest = manifest
        self.name = deployed_name(manifest.name)
        self.invocations = 0
        self.errors = 0
        self.throttles = 0
        self.cold_starts = 0
        self.running = 0
        self._code = code
        self._state = state
        self._variables = variables
        self._environments: set[ExecutionEnvironment] = set()
        self._idle: list[ExecutionEnvironment] = []
        self._slots = asyncio.Semaphore(MAXIMUM_ENVIRONMENTS)

    async def invoke(self, payload: bytes) -> InvocationResult:
        """Invokes the function with a JSON document and waits for its answer or error."""
        return await self.run(Invocation(payload))

    async def run(self, invocation: Invocation) -> InvocationResult:
        """Runs an invocation, unless the function's reserved concurrency is used up."""
        reserved = self.manifest.reserved_concurrency
        if reserved is not None and self.running >= reserved:
            self.throttles += 1
            return throttled()
        if reserved is not None:
            return await self._run(invocation)
        async with self._slots:
            return await self._run(invocation)

    async def change(self, manifest: Manifest, code: Path) -> None:
        """Gives new environments other code and settings; running ones finish with theirs."""
        self.manifest = manifest
        self._code = code
        idle, self._idle = self._idle, []
        for environment in idle:
            await self._end(environment)

    async def stop(self) -> None:
        """Kills all environments, also those that are running."""
        await asyncio.gather(*(environment.stop() for environment in self._environments))

    async def _run(self, invocation: Invocation) -> InvocationResult:
        self.invocations += 1
        self.running += 1
        try:
            environment = await self._idle_or_new()
            try:
                result = await environment.invoke(invocation)
            except asyncio.CancelledError:
                await self._end(environment)
                raise
        finally:
            self.running -= 1
        self.errors += result.failed
        if environment.usable and environment.manifest is self.manifest:
            self._idle.append(environment)
        else:
            await self._end(environment)
        return result

    async def _idle_or_new(self) -> ExecutionEnvironment:
        while self._idle:
            environment = self._idle.pop()  # the one used last: its caches are the warmest
            if environment.usable:
                return environment
            await self._end(environment)
        self.cold_starts += 1
        environment = ExecutionEnvironment(self.manifest, self._code, self._state, self._variables)
        self._environments.add(environment)
        await environment.start()
        return environment

    async def _end(self, environment: ExecutionEnvironment) -> None:
        self._environments.discard(environment)
        await environment.stop()
