"""Documents of an on-failure destination, whose records are read again from an emulated stream."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from psycopg2 import extensions

from local.event_source_mapping_batch import Batch, discarded
from shared.errors import InvalidRequest, Unavailable
from tests.fixtures.documents import error, log, stored
from tests.fixtures.invocation import Context
from tests.fixtures.kinesis import Streams

type Invoke = Callable[..., dict[str, int]]


def put(streams: Streams, name: str, *datas: bytes) -> None:
    for data in datas:
        streams.client.put_record(
            StreamName=f"{streams.environment}-{name}", PartitionKey="key", Data=data
        )


def document(streams: Streams, name: str, first: int, last: int) -> dict[str, Any]:
    """As Lambda sends it when it has given up the records from the first to before the last."""
    stream = f"{streams.environment}-{name}"
    for shard in streams.client.list_shards(StreamName=stream)["Shards"]:
        iterator = streams.client.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        if records := streams.client.get_records(ShardIterator=iterator)["Records"]:
            made = discarded(
                Batch(records[first:last]),
                "RetryAttemptsExhausted",
                function_arn="arn:aws:lambda:eu-central-1:123456789012:function:test",
                stream=name,
                shard_id=shard["ShardId"],
                request_id="1",
                now=0,
                result=None,
            )
            arn = streams.client.describe_stream_summary(StreamName=stream)
            made["KinesisBatchInfo"]["streamArn"] = arn["StreamDescriptionSummary"]["StreamARN"]
            return made
    raise AssertionError("no record")


def messages(database: extensions.connection, table: str = "logs") -> list[str]:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT message FROM {table} ORDER BY message")
        return [message for (message,) in cursor.fetchall()]


def test_the_records_of_the_batch_and_no_others_are_stored_once(
    invoke: Invoke, streams: Streams, database: extensions.connection
) -> None:
    put(streams, "logs", *(stored(log(message=str(n))) for n in range(6)))
    one, other = document(streams, "logs", 1, 3), document(streams, "logs", 4, 5)
    assert invoke(one) == {"read": 2, "missing": 0}
    assert messages(database) == ["1", "2"]
    assert invoke([one, other]) == {"read": 3, "missing": 0}
    assert messages(database) == ["1", "2", "4"]


def test_documents_are_taken_as_a_queue_hands_them_over(
    invoke: Invoke, streams: Streams, database: extensions.connection
) -> None:
    put(streams, "logs", *(stored(log(message=str(n))) for n in range(3)))
    bodies = [json.dumps(document(streams, "logs", n, n + 1)) for n in (0, 2)]
    messages_of_queue = [{"messageId": "1", "body": body} for body in bodies]
    assert invoke({"Records": messages_of_queue}) == {"read": 2, "missing": 0}
    assert messages(database) == ["0", "2"]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([{}], "body"),
        ([{"body": "not JSON"}], "body must be the document"),
        ([{"body": "{}"}], "KinesisBatchInfo"),
    ],
)
def test_says_what_is_wrong_with_a_message(invoke: Invoke, records: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        invoke({"Records": records})


def test_what_cannot_be_stored_goes_to_quarantine(
    invoke: Invoke, streams: Streams, database: extensions.connection
) -> None:
    put(streams, "errors", stored(error(message="good")), b"not JSON", stored(log()))
    batch = document(streams, "errors", 0, 3)
    for _ in range(2):
        assert invoke(json.loads(json.dumps(batch))) == {"read": 3, "missing": 0}
    assert messages(database, "errors") == ["good"]
    with database.cursor() as cursor:
        cursor.execute("SELECT raw FROM quarantine ORDER BY sequence_number")
        assert bytes(cursor.fetchall()[0][0]) == b"not JSON"


def test_records_that_the_stream_has_no_more_are_counted(
    invoke: Invoke, streams: Streams, database: extensions.connection
) -> None:
    put(streams, "logs", stored(log(message="left")))
    batch = document(streams, "logs", 0, 1)
    batch["KinesisBatchInfo"]["batchSize"] = 3
    batch["KinesisBatchInfo"]["startSequenceNumber"] = "0"
    assert invoke(batch) == {"read": 1, "missing": 2}
    assert messages(database) == ["left"]


def test_records_that_are_not_stored_in_time_are_no_success(
    invoke: Invoke, streams: Streams, database: extensions.connection
) -> None:
    put(streams, "logs", stored(log(message="late")))
    batch = document(streams, "logs", 0, 1)
    with pytest.raises(Unavailable, match="Not all records could be stored"):
        invoke(batch, Context(0))
    assert invoke(batch) == {"read": 1, "missing": 0}
    assert messages(database) == ["late"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"streamArn": "arn:aws:kinesis:eu-central-1:1:stream/test-orders"}, "one of logs, errors"),
        ({"streamArn": "arn:aws:kinesis:eu-central-1:123456789012:stream/no-logs"}, "NotFound"),
        ({"shardId": None}, "shardId"),
        ({"startSequenceNumber": "first"}, "startSequenceNumber"),
    ],
)
def test_says_what_is_wrong(
    invoke: Invoke, streams: Streams, changes: dict[str, Any], message: str
) -> None:
    put(streams, "logs", stored(log()))
    batch = document(streams, "logs", 0, 1)
    batch["KinesisBatchInfo"] |= changes
    with pytest.raises(InvalidRequest, match=message):
        invoke(batch)
