"""All event source mappings: made, changed and removed while the local cloud runs."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from local.event_source_mapping import EventSourceMapping
from local.event_source_mapping_configuration import EventSourceMappingConfiguration
from local.event_source_mapping_shard import ShardPoller
from local.function import Function
from local.kinesis import Kinesis


class EventSourceMappings:
    """The mappings by their UUIDs, each polling in a task of its own.

    `state` is the directory of the local cloud's state, which keeps the checkpoints.
    """

    def __init__(self, kinesis: Kinesis, functions: Mapping[str, Function], state: Path) -> None:
        self.kinesis = kinesis
        self._functions = functions
        self._checkpoints = state / "checkpoints"
        self._mappings: dict[str, EventSourceMapping] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] = asyncio.Future()

    @property
    def configurations(self) -> Mapping[str, EventSourceMappingConfiguration]:
        return {uuid: mapping.configuration for uuid, mapping in self._mappings.items()}

    @property
    def pollers(self) -> list[ShardPoller]:
        """Of all shards that were found so far."""
        return [poller for each in self._mappings.values() for poller in each.pollers.values()]

    async def put(self, configuration: EventSourceMappingConfiguration) -> None:
        """Makes a mapping, or changes it: it goes on from its checkpoints, if it is enabled."""
        uuid = configuration.uuid
        await self._stop(uuid)
        function = self._functions[configuration.function_name]
        mapping = EventSourceMapping(
            self.kinesis, configuration, function, self._checkpoints / uuid
        )
        self._mappings[uuid] = mapping
        if configuration.enabled:
            task = asyncio.create_task(mapping.run())
            task.add_done_callback(self._ended)
            self._tasks[uuid] = task

    async def stop(self, uuid: str) -> None:
        """Removes a mapping; its checkpoints stay."""
        await self._stop(uuid)
        del self._mappings[uuid]

    async def remove(self, uuid: str) -> None:
        """Removes a mapping and its checkpoints."""
        await self.stop(uuid)
        shutil.rmtree(self._checkpoints / uuid, ignore_errors=True)

    async def watch(self) -> None:
        """Never returns, but raises what ends one of the mappings."""
        await asyncio.shield(self._failed)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """At the end, all stop."""
        try:
            yield
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._failed.cancel()

    async def _stop(self, uuid: str) -> None:
        """Has the mapping finish the invocations that run."""
        task = self._tasks.pop(uuid, None)
        if task is not None:
            await self._mappings[uuid].finish_invocations()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._failed.done():
            return
        error = task.exception()
        if isinstance(error, BaseExceptionGroup):
            # Whoever deletes a stream ends its mappings, and no more.
            _, error = error.split(self.kinesis.client.exceptions.ResourceNotFoundException)
        if error is not None:
            self._failed.set_exception(error)
