"""An event source mapping: the records of a stream go to the function that consumes them.

Source: "How Lambda processes records from stream and queue-based event sources" in the Lambda
developer guide, "Resharding a stream" in that of Kinesis Data Streams.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from local.checkpoints import Checkpoints
from local.event_source_mapping_configuration import EventSourceMappingConfiguration
from local.event_source_mapping_shard import ShardPoller
from local.function import Function
from local.kinesis import Kinesis

DISCOVER_SECONDS = 1.0  # how often new shards are looked for


class EventSourceMapping:
    """Polls every shard of a stream, a child only after its parents are delivered to the end.

    `checkpoints` is the directory that keeps how far it has come.
    """

    def __init__(
        self,
        kinesis: Kinesis,
        configuration: EventSourceMappingConfiguration,
        function: Function,
        checkpoints: Path,
    ) -> None:
        self.configuration = configuration
        self.pollers: dict[str, ShardPoller] = {}
        self._kinesis = kinesis
        self._function = function
        self._checkpoints = Checkpoints(checkpoints)

    async def run(self) -> None:
        """Runs until cancelled."""
        start = self._starting_position()
        async with asyncio.TaskGroup() as tasks:
            while True:
                for poller in await self._new_pollers(start):
                    tasks.create_task(poller.run())
                await asyncio.sleep(DISCOVER_SECONDS)

    async def finish_invocations(self) -> None:
        """Waits for the invocations that run; no other begins."""
        for poller in self.pollers.values():
            await poller.finish_invocations()

    def _starting_position(self) -> dict[str, Any]:
        """Where a shard without a checkpoint begins, as arguments of GetShardIterator.

        LATEST is what arrives after the mapping was made, in later shards and after a restart too.
        """
        match self.configuration.starting_position:
            case "TRIM_HORIZON":
                return {"ShardIteratorType": "TRIM_HORIZON"}
            case "LATEST":
                timestamp = self._checkpoints.created_at(time.time())
            case "AT_TIMESTAMP":
                assert self.configuration.starting_position_timestamp is not None
                timestamp = self.configuration.starting_position_timestamp
        return {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": timestamp}

    async def _new_pollers(self, start: dict[str, Any]) -> list[ShardPoller]:
        shards = await self._kinesis.shards(self.configuration.stream)
        unfinished = {
            shard["ShardId"]
            for shard in shards
            if not self._checkpoints.read(shard["ShardId"]).finished
        }
        pollers = []
        for shard in shards:
            shard_id = shard["ShardId"]
            parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")}
            if shard_id not in unfinished or shard_id in self.pollers or parents & unfinished:
                continue
            poller = ShardPoller(
                self._kinesis,
                shard_id,
                start,
                self.configuration,
                self._function,
                self._checkpoints,
            )
            self.pollers[shard_id] = poller
            pollers.append(poller)
        return pollers
