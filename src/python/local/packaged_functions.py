"""The functions of `dist/` in the local cloud: their code, environment variables and triggers."""

import asyncio
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from local import account, function_code, schedule
from local.asynchronous_invocation import require_destination
from local.clock import Clock
from local.errors import LocalCloudError
from local.event_source_mapping_configuration import packaged_mapping, require_filters
from local.event_source_mappings import EventSourceMappings
from local.function import Function
from local.http_front import HttpFront
from local.kinesis import Kinesis
from local.manifest import (
    HttpTrigger,
    Manifest,
    ScheduleTrigger,
    StreamTrigger,
    queues_of,
    streams_of,
)
from local.postgres import Postgres
from local.schedule import Schedules


@dataclass(frozen=True)
class Triggers:
    """What invokes functions."""

    http: HttpFront
    schedules: Schedules
    mappings: EventSourceMappings


class PackagedFunctions:
    """Has `functions`, which are by their deployed names, follow the manifests it is given."""

    def __init__(
        self,
        dist: Path,
        state: Path,
        functions: dict[str, Function],
        postgres: Postgres | None,
        kinesis: Kinesis,
        api_key: str,
        clock: Clock,
    ) -> None:
        self.dist = dist
        self.manifests: dict[str, Manifest] = {}  # by their names
        self._state = state
        self._functions = functions
        self._postgres = postgres
        self._kinesis = kinesis
        self._api_key = api_key
        self._clock = clock
        self._mappings: dict[str, str] = {}  # the UUIDs, by the functions' deployed names

    async def put(self, manifest: Manifest, names: Collection[str]) -> None:
        """Makes the function, or changes it: invocations that run finish with the old code.

        `names` are those of all functions in `dist`. Raises LocalCloudError, and changes nothing,
        when the manifest can't be followed.
        """
        configuration = manifest.configuration()
        require_destination(manifest, names)
        self._require_servable(manifest)
        variables = self._variables(manifest)
        await asyncio.to_thread(function_code.unpack_packaged, manifest, self.dist, self._state)
        await self._kinesis.require(
            map(account.stream_name, streams_of([manifest])),
            map(account.queue_name, queues_of([manifest])),
        )
        function = self._functions.get(configuration.name)
        if function is None:
            function = Function(configuration, self._state, variables)
            self._functions[function.name] = function
        else:
            await function.change(configuration, variables)
        function.take_settings(manifest)
        self.manifests[manifest.name] = manifest

    async def connect(self, manifest: Manifest, triggers: Triggers) -> None:
        """Has the function's trigger, and none that it had before, invoke it."""
        trigger = manifest.trigger
        function = self._functions[account.deployed_name(manifest.name)]
        triggers.http.put(function, trigger.routes if isinstance(trigger, HttpTrigger) else ())
        expression = trigger.expression if isinstance(trigger, ScheduleTrigger) else None
        triggers.schedules.put(function, expression)
        mapping = (
            packaged_mapping(function.name, trigger) if isinstance(trigger, StreamTrigger) else None
        )
        before = self._mappings.pop(function.name, None)
        if before is not None and (mapping is None or mapping.uuid != before):
            await triggers.mappings.stop(before)
        if mapping is not None:
            self._mappings[function.name] = mapping.uuid
            await triggers.mappings.put(mapping)

    def _require_servable(self, manifest: Manifest) -> None:
        if isinstance(manifest.trigger, ScheduleTrigger):
            schedule.parse(manifest.name, manifest.trigger.expression, self._clock.now())
        if isinstance(manifest.trigger, StreamTrigger):
            require_filters(manifest.name, manifest.trigger)
        if manifest.permissions.database is not None and self._postgres is None:
            raise LocalCloudError(
                f"{manifest.name} is the first to need the database: start the local cloud again."
            )

    def _variables(self, manifest: Manifest) -> dict[str, str]:
        variables = {}
        if isinstance(manifest.trigger, HttpTrigger):
            variables["API_KEY_SHA256"] = hashlib.sha256(self._api_key.encode()).hexdigest()
        if manifest.permissions.writes_to or manifest.permissions.reads_from:
            variables |= self._kinesis.variables
        if self._postgres is not None and manifest.permissions.database is not None:
            variables |= self._postgres.variables(manifest.permissions.database)
        return variables
