"""A function with its versions and aliases, and what the status shows of it.

Source: "Manage Lambda function versions", "Create an alias for a Lambda function" and "Configuring
reserved concurrency for a function" in the Lambda developer guide.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from local import account
from local.function_configuration import (
    LATEST,
    Alias,
    FunctionConfiguration,
    changed,
    routed_version,
    same_but_version,
)
from local.function_version import FunctionVersion
from local.invocation import Invocation, InvocationResult, throttled
from local.manifest import Manifest, Trigger

# A laptop is not Lambda: invocations past this concurrency wait for an environment.
MAXIMUM_ENVIRONMENTS = 8


class Function:
    """Invokes `$LATEST`, a published version, or the one that an alias names.

    `state` is the directory of the local cloud's state; `variables` are the environment variables
    that the local cloud adds to the function's own.
    """

    def __init__(
        self, configuration: FunctionConfiguration, state: Path, variables: Mapping[str, str]
    ) -> None:
        self.name = configuration.name
        self.aliases: dict[str, Alias] = {}
        self.reserved_concurrency: int | None = None
        self.on_failure: str | None = None  # the deployed name of a function
        self.trigger: Trigger | None = None  # as its manifest has it
        self.invocations = 0
        self.errors = 0
        self.throttles = 0
        self.running = 0
        self._state = state
        self._variables = variables
        self._latest = FunctionVersion(configuration, state, variables)
        self._published: dict[str, FunctionVersion] = {}
        self._last_number = 0
        self._retired: list[FunctionVersion] = []
        self._slots = asyncio.Semaphore(MAXIMUM_ENVIRONMENTS)

    @property
    def latest(self) -> FunctionConfiguration:
        return self._latest.configuration

    @property
    def published(self) -> Mapping[str, FunctionConfiguration]:
        """The published versions by their numbers, the oldest first."""
        return {number: each.configuration for number, each in self._published.items()}

    @property
    def cold_starts(self) -> int:
        versions = [self._latest, *self._published.values(), *self._retired]
        return sum(version.cold_starts for version in versions)

    def configuration(self, qualifier: str | None) -> FunctionConfiguration:
        """Of a version, or of the version that an alias names. Raises KeyError without either."""
        if qualifier in self.aliases:
            qualifier = self.aliases[qualifier].version
        return self._version(qualifier).configuration

    async def invoke(self, payload: bytes) -> InvocationResult:
        """Invokes the function with a JSON document and waits for its answer or error."""
        return await self.run(Invocation(payload))

    async def run(self, invocation: Invocation, qualifier: str | None = None) -> InvocationResult:
        """Runs an invocation, unless the function's reserved concurrency is used up.

        Raises KeyError when the qualifier is no version and no alias.
        """
        arn = account.function_arn(self.name, qualifier)
        if qualifier in self.aliases:
            qualifier = routed_version(self.aliases[qualifier], random.random())
        version = self._version(qualifier)
        reserved = self.reserved_concurrency
        if reserved is not None and self.running >= reserved:
            self.throttles += 1
            return throttled()
        invocation = replace(invocation, function_arn=arn)
        if reserved is not None:
            return await self._run(version, invocation)
        async with self._slots:
            return await self._run(version, invocation)

    def take_settings(self, manifest: Manifest) -> None:
        """Takes what its manifest says beyond the configuration."""
        self.reserved_concurrency = manifest.reserved_concurrency
        self.on_failure = manifest.on_failure and account.deployed_name(manifest.on_failure)
        self.trigger = manifest.trigger

    async def change(
        self, configuration: FunctionConfiguration, variables: Mapping[str, str] | None = None
    ) -> None:
        """Gives `$LATEST` other code and settings; invocations that run finish with theirs."""
        if variables is not None:
            self._variables = variables
        before = self._latest
        self._latest = FunctionVersion(configuration, self._state, self._variables)
        await self._retire(before)

    def publish(self, description: str | None = None) -> FunctionConfiguration:
        """Makes a version of `$LATEST`, unless the newest version is the same."""
        newest = self._published.get(str(self._last_number))
        if newest is not None and same_but_version(self.latest, newest.configuration):
            return newest.configuration
        self._last_number += 1
        number = str(self._last_number)
        configuration = changed(
            self.latest,
            version=number,
            description=self.latest.description if description is None else description,
        )
        self._published[number] = FunctionVersion(configuration, self._state, self._variables)
        return configuration

    async def remove(self, number: str) -> None:
        """Removes a published version. Raises KeyError when there is none such."""
        await self._retire(self._published.pop(number))

    async def stop(self) -> None:
        """Kills all environments, also those that are running."""
        versions = [self._latest, *self._published.values(), *self._retired]
        await asyncio.gather(*(version.stop() for version in versions))

    def _version(self, number: str | None) -> FunctionVersion:
        return self._latest if number in (None, LATEST) else self._published[str(number)]

    async def _run(self, version: FunctionVersion, invocation: Invocation) -> InvocationResult:
        self.invocations += 1
        self.running += 1
        try:
            result = await version.run(invocation)
        finally:
            self.running -= 1
        self.errors += result.failed
        return result

    async def _retire(self, version: FunctionVersion) -> None:
        self._retired.append(version)
        await version.retire()
