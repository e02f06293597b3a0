"""How far an event source mapping has come in each shard, kept across restarts."""

from pathlib import Path
from typing import Literal

import msgspec

from local.state import replace
from local.tumbling_window import Window


class Checkpoint(msgspec.Struct, frozen=True):
    """Where to read on, in the words of GetShardIterator, and the window that is open there.

    `finished` says that the shard is closed and all its records are delivered.
    """

    iterator_type: Literal["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] | None = None
    sequence_number: str | None = None
    finished: bool = False
    window: Window | None = None


class Checkpoints:
    """The checkpoints of one mapping, a file for each shard."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def read(self, shard_id: str) -> Checkpoint:
        try:
            content = (self._directory / f"{shard_id}.json").read_bytes()
        except FileNotFoundError:
            return Checkpoint()
        return msgspec.json.decode(content, type=Checkpoint)

    def write(self, shard_id: str, checkpoint: Checkpoint) -> None:
        replace(self._directory / f"{shard_id}.json", msgspec.json.encode(checkpoint))

    def created_at(self, now: float) -> float:
        """When the mapping was made: `now` the first time, and the same ever after."""
        path = self._directory / "created_at"
        if not path.exists():
            replace(path, str(now).encode())
        return float(path.read_text())
