"""A function that consumes a stream, made and watched through public APIs alone.

What it gets, it puts on another stream with one shard, from which tests read it in order.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.local.accounts import Account, deployed

SOURCE = """
import base64, json, os, time
import boto3
kinesis = boto3.client("kinesis")
def observe(event):
    kinesis.put_record(
        StreamName=os.environ["OBSERVATIONS"], PartitionKey="key", Data=json.dumps(event)
    )
def handler(event, context):
    observe(OBSERVED)
    datas = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    numbers = [r["kinesis"]["sequenceNumber"] for r in event["Records"]]
    ANSWER
"""
REFUSE_BAD = 'if "bad" in datas: raise ValueError'
REPORT_BAD = (
    'return {"batchItemFailures": '
    '[{"itemIdentifier": n} for n, d in zip(numbers, datas) if d == "bad"]}'
)
REPORTS: dict[str, Any] = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


@dataclass
class Consumer:
    """A function with an event source mapping, and all the events that it got."""

    account: Account
    function: str
    stream: str
    stream_arn: str
    observations: str
    mapping: str = ""
    _events: list[dict[str, Any]] = field(default_factory=list)
    _iterator: str = ""

    def put(self, key: str, *datas: str) -> None:
        """Puts records with this partition key into the stream."""
        self.put_all([(key, data) for data in datas])

    def put_all(self, keys_and_datas: list[tuple[str, str]]) -> None:
        """Puts records with their partition keys into the stream, in one request."""
        records: Any = [{"PartitionKey": key, "Data": data} for key, data in keys_and_datas]
        answer = self.account.kinesis.put_records(StreamName=self.stream, Records=records)
        assert answer["FailedRecordCount"] == 0

    def update(self, **fields: Any) -> None:
        self.account.functions.update_event_source_mapping(UUID=self.mapping, **fields)

    def wait_for(self, state: str) -> None:
        """Waits for a state of the mapping."""
        get = self.account.functions.get_event_source_mapping
        until(lambda: get(UUID=self.mapping)["State"] == state)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What each invocation got so far."""
        kinesis = self.account.kinesis
        if not self._iterator:
            self._iterator = kinesis.get_shard_iterator(
                StreamName=self.observations,
                ShardId="shardId-000000000000",
                ShardIteratorType="TRIM_HORIZON",
            )["ShardIterator"]
        answer = kinesis.get_records(ShardIterator=self._iterator)
        self._iterator = answer["NextShardIterator"]
        self._events += [json.loads(record["Data"]) for record in answer["Records"]]
        return self._events

    @property
    def batches(self) -> list[list[str]]:
        """The records' data, for each invocation."""
        return [list(map(data, event["Records"])) for event in self.events]

    @property
    def datas(self) -> list[str]:
        return [each for batch in self.batches for each in batch]


type Consume = Callable[..., Consumer]


@contextmanager
def consuming(
    account: Account,
    answer: str,
    *,
    qualifier: str | None = None,
    shards: int = 2,
    timeout: int = 60,
    observed: str = "event",
    before: tuple[str, ...] = (),
    seconds_before: float = 0.0,
    on_failure: str | None = None,
    reserved_concurrency: int | None = None,
    **fields: Any,
) -> Iterator[Consumer]:
    """`before` are records that are in the stream before there is a mapping.

    `observed` is what the function puts on the other stream. AT_TIMESTAMP is when the mapping is
    made. `on_failure` is the ARN of a queue.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(created_stream(account, shards))
        observations = stack.enter_context(created_stream(account, 1))
        source = SOURCE.replace("ANSWER", answer).replace("OBSERVED", observed, 1)
        environment = {"Variables": {"OBSERVATIONS": observations}}
        function = stack.enter_context(
            deployed(account, source, Environment=environment, MemorySize=256, Timeout=timeout)
        ).name
        if qualifier is not None:
            version = account.functions.publish_version(FunctionName=function)["Version"]
            account.functions.create_alias(
                FunctionName=function, Name=qualifier, FunctionVersion=version
            )
        if reserved_concurrency is not None:
            account.functions.put_function_concurrency(
                FunctionName=function, ReservedConcurrentExecutions=reserved_concurrency
            )
        described = account.kinesis.describe_stream_summary(StreamName=stream)
        arn = described["StreamDescriptionSummary"]["StreamARN"]
        consumer = Consumer(account, function, stream, arn, observations)
        if before:
            consumer.put("key", *before)
            time.sleep(seconds_before)
        if fields.get("StartingPosition") == "AT_TIMESTAMP":
            fields["StartingPositionTimestamp"] = time.time()
        if on_failure is not None:
            fields["DestinationConfig"] = {"OnFailure": {"Destination": on_failure}}
        consumer.mapping = account.functions.create_event_source_mapping(
            EventSourceArn=arn,
            FunctionName=function if qualifier is None else f"{function}:{qualifier}",
            **({"StartingPosition": "TRIM_HORIZON"} | fields),
        )["UUID"]
        stack.callback(_delete_mapping, account, consumer.mapping)
        consumer.wait_for("Enabled" if fields.get("Enabled", True) else "Disabled")
        yield consumer


def _delete_mapping(account: Account, uuid: str) -> None:
    with suppress(account.functions.exceptions.ResourceNotFoundException):
        account.functions.delete_event_source_mapping(UUID=uuid)


@contextmanager
def created_stream(account: Account, shards: int) -> Iterator[str]:
    name = f"conformance-{uuid.uuid4()}"
    account.kinesis.create_stream(StreamName=name, ShardCount=shards)
    try:
        account.kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        yield name
    finally:
        account.kinesis.delete_stream(StreamName=name)


def data(record: dict[str, Any]) -> str:
    return base64.b64decode(record["kinesis"]["data"]).decode()


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Waits for what has to come; AWS may take a minute, and a loaded machine some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.21)  # a shard is read five times a second at most


def keys_of_first_shard(count: int) -> list[str]:
    """Partition keys that hash to the first of two shards."""
    half = (key for key in map(str, range(1000)) if _hash(key) < 2**127)
    return [next(half) for _ in range(count)]


def key_of_second_shard() -> str:
    return next(key for key in map(str, range(1000)) if _hash(key) >= 2**127)


def _hash(key: str) -> int:
    return int(hashlib.md5(key.encode(), usedforsecurity=False).hexdigest(), 16)
