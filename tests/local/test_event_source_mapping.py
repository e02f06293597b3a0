"""Rules of "How Lambda processes records from Amazon Kinesis Data Streams", in the Lambda developer
guide: the fields of an event, batching, starting positions, order and concurrency.

These tests also run against AWS: see docs/local-cloud.md.
"""

import base64
import json
import re
import time

from tests.local.consumers import (
    REPORT_BAD,
    REPORTS,
    Consume,
    data,
    key_of_second_shard,
    keys_of_first_shard,
    until,
)

MEET = """
    iterator = kinesis.get_shard_iterator(
        StreamName=os.environ["OBSERVATIONS"],
        ShardId="shardId-000000000000",
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    while len(kinesis.get_records(ShardIterator=iterator)["Records"]) < 2:
        time.sleep(0.5)
"""


def test_a_record_has_the_fields_of_aws(consume: Consume) -> None:
    consumer = consume()
    consumer.put("key", "one")
    until(lambda: consumer.datas == ["one"])
    ((record,),) = (event["Records"] for event in consumer.events)
    kinesis = record.pop("kinesis")
    arn = consumer.stream_arn.split(":")
    role = record.pop("invokeIdentityArn")
    assert re.fullmatch(rf"arn:aws:iam::{arn[4]}:role/.+", role)
    assert record == {
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{record['eventID'][:20]}:{kinesis['sequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "awsRegion": arn[3],
        "eventSourceARN": consumer.stream_arn,
    }
    assert re.fullmatch(r"shardId-\d{12}", record["eventID"][:20])
    assert abs(kinesis.pop("approximateArrivalTimestamp") - time.time()) < 600
    assert kinesis.pop("sequenceNumber").isdecimal()
    assert kinesis == {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": "key",
        "data": base64.b64encode(b"one").decode(),
    }


def test_batches_have_at_most_the_batch_size_in_the_order_of_the_shard(consume: Consume) -> None:
    datas = [str(number) for number in range(25)]
    consumer = consume(BatchSize=10, before=tuple(datas))
    until(lambda: len(consumer.datas) == 25)
    assert consumer.datas == datas
    assert [len(batch) for batch in consumer.batches] == [10, 10, 5]


def test_a_batch_that_is_not_full_waits_for_the_batching_window(consume: Consume) -> None:
    consumer = consume(BatchSize=2, MaximumBatchingWindowInSeconds=300, before=("a", "b", "c"))
    other_shard = key_of_second_shard()
    until(lambda: consumer.batches == [["a", "b"]])
    consumer.put(other_shard, "d", "e")  # "c" was read before them, and still waits
    until(lambda: ["d", "e"] in consumer.batches)
    assert "c" not in consumer.datas


def test_a_batch_is_sent_when_the_batching_window_ends(consume: Consume) -> None:
    consumer = consume(MaximumBatchingWindowInSeconds=2)
    consumer.put("key", "a")
    consumer.put("key", "b")
    until(lambda: consumer.batches == [["a", "b"]])


def test_an_event_has_at_most_6_mb(consume: Consume) -> None:
    million = "x" * 1_000_000
    consumer = consume(
        observed='{"Records": [{"kinesis": {"data": "eA=="}} for _ in event["Records"]]}',
        MaximumBatchingWindowInSeconds=5,
        Enabled=False,
    )
    for _ in range(2):
        consumer.put("key", million, million, million)
    consumer.update(Enabled=True)
    until(lambda: len(consumer.datas) == 6)
    assert [len(batch) for batch in consumer.batches] == [4, 2]


def test_trim_horizon_begins_with_the_oldest_record(consume: Consume) -> None:
    consumer = consume(StartingPosition="TRIM_HORIZON", before=("before",))
    until(lambda: consumer.datas == ["before"])


def test_latest_begins_where_the_stream_ends_when_the_mapping_is_made(consume: Consume) -> None:
    consumer = consume(StartingPosition="LATEST", before=("before",), seconds_before=1.1)
    while not consumer.datas:  # on AWS it may take minutes until the mapping has begun
        consumer.put("key", "after")
        time.sleep(1)
    assert set(consumer.datas) == {"after"}


def test_at_timestamp_begins_with_the_first_record_from_then_on(consume: Consume) -> None:
    consumer = consume(StartingPosition="AT_TIMESTAMP", before=("before",), seconds_before=1.1)
    consumer.put("key", "after")
    until(lambda: consumer.datas == ["after"])


def test_batches_of_one_shard_run_at_the_same_time_up_to_the_parallelization_factor(
    consume: Consume,
) -> None:
    # A batch ends only when another one has begun.
    consumer = consume(MEET, timeout=60, ParallelizationFactor=2, Enabled=False, shards=1)
    consumer.put_all([(str(number), str(number)) for number in range(20)])
    consumer.update(Enabled=True)
    until(lambda: len(consumer.datas) == 20)
    assert len(consumer.batches) == 2


def test_order_is_kept_per_partition_key_with_concurrent_batches(consume: Consume) -> None:
    slow = 'time.sleep(0.5 * (datas == ["0"]))'
    consumer = consume(slow, ParallelizationFactor=4, BatchSize=1)
    keys = keys_of_first_shard(3)
    numbers = [str(number) for number in range(4)]
    consumer.put_all([(key, number) for number in numbers for key in keys])
    until(lambda: len(consumer.datas) == 12)
    records = [record for event in consumer.events for record in event["Records"]]
    for key in keys:
        of_key = [data(record) for record in records if record["kinesis"]["partitionKey"] == key]
        assert of_key == numbers


def test_filters_let_only_matching_records_through(consume: Consume) -> None:
    pattern = json.dumps({"data": {"level": ["ERROR"]}})
    consumer = consume(FilterCriteria={"Filters": [{"Pattern": pattern}]})
    consumer.put("key", '{"level": "INFO"}', "no JSON", '{"level": "ERROR"}')
    until(lambda: len(consumer.datas) == 1)
    consumer.put("key", '{"level": "DEBUG"}', '{ "level": "ERROR" }')
    until(lambda: len(consumer.datas) == 2)
    assert consumer.datas == ['{"level": "ERROR"}', '{ "level": "ERROR" }']


def test_a_blocked_shard_does_not_block_the_others(consume: Consume) -> None:
    consumer = consume(REPORT_BAD, **REPORTS)
    (key,) = keys_of_first_shard(1)
    consumer.put(key, "bad")
    until(lambda: consumer.batches[:2] == [["bad"], ["bad"]])
    consumer.put(key_of_second_shard(), "other shard")
    until(lambda: "other shard" in consumer.datas)
