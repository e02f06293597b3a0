"""A version of a function with its execution environments."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from local.execution_environment import ExecutionEnvironment
from local.function_configuration import FunctionConfiguration
from local.invocation import Invocation, InvocationResult


class FunctionVersion:
    """Runs each concurrent invocation in an environment of its own and keeps these for the next.

    `variables` are those that the local cloud adds to the function's own.
    """

    def __init__(
        self, configuration: FunctionConfiguration, state: Path, variables: Mapping[str, str]
    ) -> None:
        self.configuration = configuration
        self.cold_starts = 0
        self._state = state
        self._variables = variables
        self._environments: set[ExecutionEnvironment] = set()
        self._idle: list[ExecutionEnvironment] = []
        self._is_retired = False

    async def run(self, invocation: Invocation) -> InvocationResult:
        environment = await self._idle_or_new()
        try:
            result = await environment.invoke(invocation)
        except BaseException:  # such as CancelledError
            await self._end(environment)
            raise
        if environment.usable and not self._is_retired:
            self._idle.append(environment)
        else:
            await self._end(environment)
        return result

    async def retire(self) -> None:
        """Ends idle environments, and others as soon as their invocations have finished."""
        self._is_retired = True
        idle, self._idle = self._idle, []
        for environment in idle:
            await self._end(environment)

    async def stop(self) -> None:
        """Kills all environments, also those that are running."""
        await asyncio.gather(*(environment.stop() for environment in self._environments))

    async def _idle_or_new(self) -> ExecutionEnvironment:
        while self._idle:
            environment = self._idle.pop()  # the one used last: its caches are the warmest
            if environment.usable:
                return environment
            await self._end(environment)
        self.cold_starts += 1
        environment = ExecutionEnvironment(self.configuration, self._state, self._variables)
        self._environments.add(environment)
        await environment.start()
        return environment

    async def _end(self, environment: ExecutionEnvironment) -> None:
        self._environments.discard(environment)
        await environment.stop()
