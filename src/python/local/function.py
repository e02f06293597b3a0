"""A function with its execution environments, and what the status shows of it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from local.account import deployed_name
from local.execution_environment import ExecutionEnvironment
from local.invocation import InvocationResult
from local.manifest import Manifest

# A laptop is not Lambda: invocations past this concurrency wait for an environment.
MAXIMUM_ENVIRONMENTS = 8


class Function:
    """Runs each concurrent invocation in an environment of its own and keeps these for the next."""

    def __init__(
        self,
        manifest: Manifest,
        code: Path,
        runtime: Path,
        variables: Mapping[str, str],
        log: IO[bytes],
    ) -> None:
        self.manifest = manifest
        self.name = deployed_name(manifest.name)
        self.invocations = 0
        self.errors = 0
        self.cold_starts = 0
        self.running = 0
        self._code = code
        self._runtime = runtime
        self._variables = variables
        self._log = log
        self._environments: set[ExecutionEnvironment] = set()
        self._idle: list[ExecutionEnvironment] = []
        self._slots = asyncio.Semaphore(MAXIMUM_ENVIRONMENTS)

    async def invoke(self, payload: bytes) -> InvocationResult:
        """Invokes the function with a JSON document and waits for its answer or error."""
        async with self._slots:
            self.invocations += 1
            self.running += 1
            try:
                environment = await self._idle_or_new()
                result = await environment.invoke(payload)
            finally:
                self.running -= 1
            self.errors += result.failed
            self._idle.append(environment)
            return result

    async def stop(self) -> None:
        """Kills all environments, also those that are running."""
        await asyncio.gather(*(environment.stop() for environment in self._environments))

    async def _idle_or_new(self) -> ExecutionEnvironment:
        while self._idle:
            environment = self._idle.pop()  # the one used last: its caches are the warmest
            if environment.usable:
                return environment
            self._environments.remove(environment)
            await environment.stop()
        self.cold_starts += 1
        environment = ExecutionEnvironment(
            self.manifest, self._code, self._runtime, self._variables, self._log
        )
        self._environments.add(environment)
        await environment.start()
        return environment
