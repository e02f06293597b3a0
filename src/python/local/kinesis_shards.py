"""moto's streams, mended where they differ from Kinesis, and kept in a journal across restarts.

Source: "Resharding a stream" and "GetRecords" in the Amazon Kinesis Data Streams documentation.
"""

import hashlib
import itertools
import json
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from moto.kinesis import models
from moto.kinesis.utils import compose_shard_iterator, decompose_shard_iterator

RETENTION_SECONDS = 24 * 60 * 60
MAXIMUM_READ = 10 * 1024 * 1024  # bytes in one answer of GetRecords


class Journal:
    """What the streams hold, in a file of JSON lines that is only appended to.

    A request is answered only after `flush`, so what was acknowledged survives the process. It does
    not survive the machine: nothing waits for the disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a")

    def write(self, stream: str, **entry: object) -> None:
        self._file.write(json.dumps({"stream": stream, **entry}) + "\n")

    def flush(self) -> None:
        self._file.flush()

    def entries(self) -> Iterator[dict[str, Any]]:
        """All entries; the last may be torn, of a request that was never answered."""
        with self._path.open() as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)

    def replace(self, streams: dict[str, "Stream"]) -> None:
        """Starts the file anew with no more than is in the streams."""
        unfinished = self._path.with_suffix(".unfinished")
        journal = Journal(unfinished)
        for stream in streams.values():
            journal.write(stream.stream_name, shards=stream.layout())
            for shard in stream.shards.values():
                for record in shard.records.values():
                    journal.write(stream.stream_name, record=_fields(shard, record))
        journal.flush()
        unfinished.replace(self._path)
        self._file.close()
        self._file = journal._file


class Shard(models.Shard):
    """A shard that finds a position without reading all before it."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.numbers: list[int] = []  # the keys of `records`

    def add(self, record: models.Record) -> None:
        self.records[record.sequence_number] = record
        self.numbers.append(record.sequence_number)

    def get_records(
        self, last_sequence_id: str, limit: int | None
    ) -> tuple[list[models.Record], int, int]:
        start = bisect_right(self.numbers, int(last_sequence_id))
        results: list[models.Record] = []
        size = 0
        for number in self.numbers[start : start + (limit or 10_000)]:
            record = self.records[number]
            size += len(record.data) * 3 // 4
            if results and size > MAXIMUM_READ:
                break
            results.append(record)
        if not results:
            return [], int(last_sequence_id), 0
        behind = 0.0
        if results[-1].sequence_number != self.numbers[-1]:
            behind = time.time() - results[-1].created_at
        return results, results[-1].sequence_number, int(behind * 1000)


class Stream(models.Stream):
    """A stream whose parents keep their records when they are split or merged."""

    shards: dict[str, Shard]  # type: ignore[assignment]
    journal: Journal
    sequence_numbers: Iterator[int]

    def init_shards(self, shard_count: int) -> None:
        super().init_shards(shard_count)
        self.journal.write(self.stream_name, shards=self.layout())

    def put_record(self, partition_key: str, explicit_hash_key: str, data: str) -> tuple[str, str]:
        """moto counts each shard from 1, again after every start.

        A sequence number must not come back: consumers key what they keep for good by it.
        """
        shard = self.get_shard_for_key(partition_key, explicit_hash_key)
        number = next(self.sequence_numbers)
        record = models.Record(partition_key, data, number, explicit_hash_key)
        shard.add(record)
        self.journal.write(self.stream_name, record=_fields(shard, record))
        return str(number), shard.shard_id

    def get_shard_for_key(self, partition_key: str, explicit_hash_key: str) -> Shard:
        digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).hexdigest()
        key = int(explicit_hash_key) if explicit_hash_key else int(digest, 16)
        return next(
            shard
            for shard in self.shards.values()
            if shard.is_open and shard.starting_hash <= key <= shard.ending_hash
        )

    def split_shard(self, shard_to_split: str, new_starting_hash_key: str) -> None:
        with self._resharded(shard_to_split):
            super().split_shard(shard_to_split, new_starting_hash_key)

    def merge_shards(self, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        with self._resharded(shard_to_merge, adjacent_shard_to_merge):
            super().merge_shards(shard_to_merge, adjacent_shard_to_merge)

    @contextmanager
    def _resharded(self, *parents: str) -> Iterator[None]:
        """moto would move the parents' records to the children, under new sequence numbers."""
        kept = {parent: self.shards[parent].records for parent in parents}
        for parent in parents:
            self.shards[parent].records = OrderedDict()
        try:
            yield
        finally:
            for parent, records in kept.items():
                self.shards[parent].records = records
        self.journal.write(self.stream_name, shards=self.layout())

    def layout(self) -> list[list[Any]]:
        return [
            [s._shard_id, s.starting_hash, s.ending_hash, s.parent, s.adjacent_parent, s.is_open]
            for s in self.shards.values()
        ]

    def take_layout(self, layout: list[list[Any]]) -> None:
        for *arguments, is_open in layout:
            shard = Shard(*arguments)
            shard.is_open = is_open
            if known := self.shards.get(shard.shard_id):
                shard.records, shard.numbers = known.records, known.numbers
            self.shards[shard.shard_id] = shard
        self.shard_count = sum(shard.is_open for shard in self.shards.values())


def get_records(
    backend: models.KinesisBackend, stream_arn: str | None, shard_iterator: str, limit: int | None
) -> tuple[str | None, list[models.Record], int]:
    """moto's own, but a closed shard that is read to its end has no next iterator."""
    stream_name, shard_id, last = decompose_shard_iterator(shard_iterator)
    shard = backend.describe_stream(stream_arn, stream_name).get_shard(shard_id)
    records, number, behind = shard.get_records(last, limit)
    if not shard.is_open and number >= shard.get_max_sequence_number():
        return None, records, behind
    return compose_shard_iterator(stream_name, shard, number), records, behind


def restore(backend: models.KinesisBackend, path: Path) -> Journal:
    """Has moto use these streams, with what the journal holds that is not past its retention."""
    journal = Journal(path)
    models.Shard = Shard  # type: ignore[misc]
    models.Stream = Stream  # type: ignore[misc]
    models.KinesisBackend.get_records = get_records  # type: ignore[assignment,method-assign]
    # It would keep CloudWatch metrics for every request, for nobody.
    models.KinesisBackend._send_stream_metrics = lambda *_, **__: None  # type: ignore[method-assign]
    Stream.journal = journal
    streams = cast("dict[str, Stream]", backend.streams)
    highest = 0
    oldest = time.time() - RETENTION_SECONDS
    for entry in list(journal.entries()):  # all before a stream made below writes its own
        name = entry["stream"]
        if "shards" in entry:
            if name not in streams:
                backend.create_stream(name, 1)
            streams[name].take_layout(entry["shards"])
            continue
        shard_id, partition_key, data, number, explicit_hash_key, created_at = entry["record"]
        highest = max(highest, number)
        if created_at > oldest:
            record = models.Record(partition_key, data, number, explicit_hash_key)
            record.created_at = created_at
            record.created_at_datetime = datetime.fromtimestamp(created_at, UTC).replace(
                tzinfo=None
            )
            streams[name].shards[shard_id].add(record)
    Stream.sequence_numbers = itertools.count(max(highest + 1, time.time_ns()))
    journal.replace(streams)
    return journal


def _fields(shard: models.Shard, record: models.Record) -> list[Any]:
    return [
        shard.shard_id,
        record.partition_key,
        record.data,
        record.sequence_number,
        record.explicit_hash_key,
        record.created_at,
    ]
