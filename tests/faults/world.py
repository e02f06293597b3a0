"""A producer, a stream, a sink and the oracle: what was acknowledged is stored, once, in order."""

import importlib.util
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg2
from psycopg2 import extensions

from shared.records import InvalidRecord, unpack
from tests.fixtures.http import request
from tests.fixtures.invocation import Context, kinesis_record
from tests.fixtures.kinesis import Streams

if TYPE_CHECKING:
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef

type Invoke = Callable[[dict[str, Any], Context], dict[str, Any]]
type Load = Callable[[str], Invoke]


class InvocationFailed(Exception):
    """A function answered with an error, or its execution environment ended before it answered."""


def execution_environment(function: str) -> ModuleType:
    """A handler's module as a new execution environment has it, with connections of its own."""
    spec = importlib.util.find_spec(f"{function}.handler")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_process(function: str) -> Invoke:
    """A function in a new execution environment of this process."""
    invoke: Invoke = getattr(execution_environment(function), function.partition(".")[2])
    return invoke


@dataclass
class Shard:
    """What an event source mapping knows of a shard."""

    shard_id: str
    parents: tuple[str, ...] = ()
    last_seen: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def checkpoint(self) -> str | None:
        """The record that is delivered next."""
        return self.records[0]["kinesis"]["sequenceNumber"] if self.records else None


class World:
    """Log events of one environment from the producer's entry to the table."""

    def __init__(
        self, streams: Streams, database: extensions.connection, load: Load = in_process
    ) -> None:
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.bad: Counter[str] = Counter()
        self._streams = streams
        self._database = database
        self._stream = f"{streams.environment}-logs"
        self._load = load
        self._produce = load("producers.log_event")
        self._shards: dict[str, Shard] = {}
        self._numbers = itertools.count()
        self.new_sink()
        self.find_shards()

    @property
    def shards(self) -> int:
        """How many there are and have been."""
        return len(self._shards)

    def reconnect_oracle(self) -> None:
        """After the server was stopped under it."""
        self._database = psycopg2.connect(self._database.dsn)

    def new_sink(self) -> None:
        """From now on another execution environment runs the sink."""
        self.sink: Invoke = self._load("consumers.log_sink")

    def events(self, count: int, keys: Sequence[str] = ()) -> list[dict[str, Any]]:
        """New events; those with a key are numbered in the order in which they happened."""
        return [
            {
                "event_id": str(UUID(int=number, version=4)),
                "occurred_at": "2026-01-02T03:04:05Z",
                "service": "checkout",
                "environment": "test",
                "level": "INFO",
                "message": f"event {number}",
                "attributes": {"number": number, "key": keys[number % len(keys)]} if keys else {},
                **({"partition_key": keys[number % len(keys)]} if keys else {}),
            }
            for number in itertools.islice(self._numbers, count)
        ]

    def post(self, events: Sequence[dict[str, Any]], time: Context | None = None) -> list[str]:
        """Sends events as a client does; returns the ids that the client has to send again."""
        body = b"\n".join(json.dumps(event).encode() for event in events)
        try:
            response = self._produce(request(body), time or Context())
        except InvocationFailed:
            unanswered = [event["event_id"] for event in events]
            self.sent.update(unanswered)
            return unanswered
        answer = json.loads(response["body"])
        assert response["statusCode"] in (202, 503), answer
        assert answer["rejected"] == []
        taken, refused = (
            [entry["event_id"] for entry in answer[name]] for name in ("accepted", "unavailable")
        )
        self.sent.update(taken, refused)
        self.acknowledged.update(taken)
        return refused

    def post_until_taken(self, events: list[dict[str, Any]]) -> None:
        """Sends events, and again what was not taken, as the answer tells a client to."""
        while events:
            refused = set(self.post(events))
            events = [event for event in events if event["event_id"] in refused]

    def put_bad(self, data: bytes, key: str = "key") -> None:
        """A record whose every document belongs in quarantine, past the producer."""
        self._streams.client.put_record(StreamName=self._stream, Data=data, PartitionKey=key)
        self.bad.update(map(_identity, _documents(data)))

    def put_again(self, events: Iterable[dict[str, Any]]) -> None:
        """Events that were acknowledged before, each in a record of its own."""
        records: list[PutRecordsRequestEntryTypeDef] = [
            {
                "Data": json.dumps(event).encode(),
                "PartitionKey": event.get("partition_key") or event["event_id"],
            }
            for event in events
        ]
        self._streams.client.put_records(StreamName=self._stream, Records=records)

    def find_shards(self) -> None:
        """Looks for shards that are new."""
        for shard in self._streams.client.list_shards(StreamName=self._stream)["Shards"]:
            parents = tuple(
                shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in shard
            )
            self._shards.setdefault(shard["ShardId"], Shard(shard["ShardId"], parents))

    def fetch(self) -> None:
        """Reads what has come into the shards."""
        client = self._streams.client
        for shard in self._shards.values():
            iterator = client.get_shard_iterator(
                StreamName=self._stream,
                ShardId=shard.shard_id,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                StartingSequenceNumber=str(shard.last_seen),
            )["ShardIterator"]
            while records := (answer := client.get_records(ShardIterator=iterator))["Records"]:
                for record in records:
                    entry = kinesis_record(record["SequenceNumber"], record["Data"])
                    entry["eventID"] = f"{shard.shard_id}:{record['SequenceNumber']}"
                    shard.records.append(entry)
                    shard.last_seen = int(record["SequenceNumber"])
                iterator = answer["NextShardIterator"]

    def reshard(self) -> None:
        """Splits the first open shard in two.

        The emulator moves the records of a shard to its children; Kinesis leaves them where they
        are, which is what the mapping is made to see here.
        """
        client = self._streams.client
        self.fetch()
        shards = client.list_shards(StreamName=self._stream)["Shards"]
        shard = next(s for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"])
        start, end = (int(shard["HashKeyRange"][f"{n}HashKey"]) for n in ("Starting", "Ending"))  # type: ignore[literal-required]
        client.split_shard(
            StreamName=self._stream,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str((start + end) // 2),
        )
        known = set(self._shards)
        self.find_shards()
        waiting = {name: list(shard.records) for name, shard in self._shards.items()}
        self.fetch()
        for name, moved in self._shards.items():
            moved.records = [] if name not in known else waiting[name]

    def ready(self) -> list[Shard]:
        """The shards that have something to deliver, a child only once its parents have none."""
        return [
            shard
            for shard in self._shards.values()
            if shard.records
            and not any(self._shards[p].records for p in shard.parents if p in self._shards)
        ]

    def deliver(self, shard: Shard, size: int, time: Context | None = None) -> dict[str, Any]:
        """One invocation of the sink; the mapping goes on from what the answer says."""
        try:
            answer = self.sink({"Records": shard.records[:size]}, time or Context())
        except InvocationFailed:
            answer = {"batchItemFailures": [{"itemIdentifier": shard.checkpoint}]}
        failures = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        numbers = [record["kinesis"]["sequenceNumber"] for record in shard.records[:size]]
        del shard.records[: numbers.index(failures[0]) if failures else len(numbers)]
        return answer

    def deliver_all(self, size: int = 100) -> None:
        """Delivers until nothing is left; each invocation must get on."""
        self.fetch()
        while shards := self.ready():
            for shard in shards:
                before = len(shard.records)
                self.deliver(shard, size)
                assert len(shard.records) < before, "The sink is stuck"

    def stored(self) -> set[str]:
        """The ids of the events in the table."""
        with self._database.cursor() as cursor:
            cursor.execute("SELECT event_id::text FROM logs")
            return {event_id for (event_id,) in cursor.fetchall()}

    def check(self) -> None:
        """The oracle: what was acknowledged is in the table, what is bad in quarantine, each once.

        An event without an acknowledgement may be in the table: the answer may have been lost.
        """
        with self._database.cursor() as cursor:
            cursor.execute("SELECT event_id::text, attributes, received_at FROM logs")
            rows = cursor.fetchall()
            cursor.execute("SELECT raw FROM quarantine")
            quarantined = Counter(_identity(bytes(raw)) for (raw,) in cursor.fetchall())
        table = Counter(event_id for event_id, _, _ in rows)
        assert self.acknowledged - table.keys() == set(), "lost"
        assert table.keys() - self.sent == set(), "invented"
        assert table.total() == len(table), "stored twice"
        assert quarantined == self.bad
        self.check_order((attributes, moment) for _, attributes, moment in rows)

    def check_order(self, rows: Iterator[tuple[dict[str, Any], Any]]) -> None:
        """Events with a key were committed in the order in which they were sent."""
        keyed = sorted(
            (attributes["key"], attributes["number"], moment)
            for attributes, moment in rows
            if "key" in attributes
        )
        for (key, number, moment), (next_key, next_number, next_moment) in itertools.pairwise(
            keyed
        ):
            assert key != next_key or moment <= next_moment, (key, number, next_number)


def _documents(data: bytes) -> list[bytes]:
    try:
        return unpack(data)
    except InvalidRecord:
        return [data]


def _identity(document: bytes) -> str:
    """An event's id, or where there is none the bytes themselves."""
    try:
        return str(json.loads(document)["event_id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return document.hex()
