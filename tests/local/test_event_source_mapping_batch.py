"""Rules of "Configuring partial batch response with Kinesis Data Streams and Lambda", "Using AWS
Lambda with Amazon Kinesis Data Streams" and "Retain discarded batch records for a Kinesis Data
Streams event source in Lambda", in the Lambda developer guide."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.event_source_mapping_batch import (
    Batch,
    after_failure,
    batch_length,
    delivered_count,
    discarded,
    expired_count,
    retry_delay,
)
from local.invocation import InvocationResult

NUMBERS = ["100", "101", "102"]


def answer(response: object) -> InvocationResult:
    return InvocationResult(json.dumps(response).encode())


def delivered(result: InvocationResult) -> int:
    return delivered_count(result, NUMBERS, reports_failures=True)


def failures(*identifiers: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": each} for each in identifiers]}


def records(*arrivals: float) -> Any:
    return [
        {
            "SequenceNumber": str(100 + index),
            "ApproximateArrivalTimestamp": datetime.fromtimestamp(arrival, UTC),
            "Data": b"",
            "PartitionKey": "key",
        }
        for index, arrival in enumerate(arrivals)
    ]


@pytest.mark.parametrize("response", [None, {}, failures(), {"batchItemFailures": None}])
def test_a_batch_without_failures_is_a_success(response: object) -> None:
    assert delivered(answer(response)) == 3


@pytest.mark.parametrize(
    "response",
    [
        failures(""),
        failures(None),
        failures("999"),
        failures("102", "999"),
        {"batchItemFailures": [{"identifier": "102"}]},
        {"batchItemFailures": ["102"]},
        {"batchItemFailures": 1},
        "done",
        [],
    ],
)
def test_an_empty_null_unknown_or_bad_identifier_fails_the_batch(response: object) -> None:
    assert delivered(answer(response)) == 0


def test_a_failed_invocation_fails_the_batch() -> None:
    assert delivered(InvocationResult(b"{}", failed=True)) == 0


def test_without_report_batch_item_failures_the_response_has_no_meaning() -> None:
    assert delivered_count(answer(failures("101")), NUMBERS, reports_failures=False) == 3
    failed = InvocationResult(b"{}", failed=True)
    assert delivered_count(failed, NUMBERS, reports_failures=False) == 0


@given(st.sets(st.sampled_from(NUMBERS), min_size=1), st.randoms())
def test_the_lowest_sequence_number_is_the_checkpoint(failed: set[str], random: Any) -> None:
    shuffled = random.sample(sorted(failed), len(failed))
    assert delivered(answer(failures(*shuffled))) == NUMBERS.index(min(failed))


@given(st.lists(st.integers(0, 1024 * 1024)), st.integers(1, 500))
def test_a_batch_ends_at_its_size_or_at_6_mb(sizes: list[int], batch_size: int) -> None:
    def event_bytes(count: int) -> int:
        return sum(len(base64.b64encode(bytes(size))) for size in sizes[:count])

    length = batch_length(sizes, batch_size)
    assert length <= batch_size
    assert length or not sizes
    assert length <= 1 or event_bytes(length) <= 6 * 1024 * 1024
    if length < min(len(sizes), batch_size):
        assert event_bytes(length + 1) + 1024 * (length + 1) > 6 * 1024 * 1024


def test_a_failed_batch_is_retried_from_its_checkpoint_and_that_counts() -> None:
    batch = Batch(records(1, 2, 3), retries=1, invocations=2)
    (rest,) = after_failure(batch, 1, bisect=False)
    assert rest == Batch(batch.records[1:], retries=2, invocations=3)


def test_bisecting_splits_in_two_without_consuming_a_retry() -> None:
    batch = Batch(records(1, 2, 3))
    halves = after_failure(batch, 0, bisect=True)
    assert [half.records for half in halves] == [batch.records[:1], batch.records[1:]]
    assert {half.retries for half in halves} == {0}


def test_bisecting_splits_at_the_reported_sequence_number() -> None:
    batch = Batch(records(1, 2, 3))
    assert after_failure(batch, 2, bisect=True) == [Batch(batch.records[2:], 0, 1)]


def test_a_batch_of_one_can_only_be_retried() -> None:
    batch = Batch(records(1))
    assert after_failure(batch, 0, bisect=True) == [Batch(batch.records, 1, 1)]


@given(st.integers(1, 50), st.integers(0, 49))
def test_bisecting_finds_the_bad_record_and_delivers_all_others(count: int, bad: int) -> None:
    batch = Batch(records(*range(count)))
    refused = batch.records[bad % count]
    delivered: list[Any] = []
    discarded: list[Any] = []
    pending = [batch]
    while pending:
        batch = pending.pop(0)
        if refused not in batch.records:
            delivered += batch.records
        elif batch.retries > 2:
            discarded += batch.records
        else:
            pending[:0] = after_failure(batch, 0, bisect=True)
    assert discarded == [refused]
    assert delivered == [each for each in records(*range(count)) if each != refused]


@pytest.mark.parametrize(("maximum_age", "expired"), [(-1, 0), (60, 1), (1, 2)])
def test_records_past_the_maximum_age_are_expired(maximum_age: int, expired: int) -> None:
    assert expired_count(records(0, 60, 99.5), 100, maximum_age) == expired


def test_the_document_of_discarded_records_has_awss_fields() -> None:
    batch = Batch(records(0.5, 61), retries=3, invocations=4)
    document = discarded(
        batch,
        "RetryAttemptsExhausted",
        function_arn="arn:function",
        stream="local-errors",
        shard_id="shardId-000000000001",
        request_id="id",
        now=120,
        result=InvocationResult(b"{}", failed=True),
    )
    assert document == {
        "requestContext": {
            "requestId": "id",
            "functionArn": "arn:function",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 4,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "1970-01-01T00:02:00.000Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000001",
            "startSequenceNumber": "100",
            "endSequenceNumber": "101",
            "approximateArrivalOfFirstRecord": "1970-01-01T00:00:00.500Z",
            "approximateArrivalOfLastRecord": "1970-01-01T00:01:01.000Z",
            "batchSize": 2,
            "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/local-errors",
        },
    }


def test_retries_come_slower_and_slower_but_never_stop() -> None:
    delays = [retry_delay(failures) for failures in (*range(20), 10_000)]
    assert delays == sorted(delays)
    assert max(delays) == 10
