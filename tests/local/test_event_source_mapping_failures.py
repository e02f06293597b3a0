"""Rules of "Retain discarded batch records for a Kinesis Data Streams event source in Lambda" and
"Configuring partial batch response with Kinesis Data Streams and Lambda", in the Lambda developer
guide: what becomes of records that a function does not take.

These tests also run against AWS: see docs/local-cloud.md.
"""

import re
from itertools import pairwise
from typing import Any

import pytest

from tests.local.accounts import Account
from tests.local.consumers import REFUSE_BAD, REPORT_BAD, REPORTS, Consume, until
from tests.local.failure_queues import FailureQueue

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_a_batch_is_retried_from_the_lowest_reported_failure(consume: Consume) -> None:
    consumer = consume(REPORT_BAD, **REPORTS, before=("first", "bad", "last", "bad"))
    expected = [["first", "bad", "last", "bad"], ["bad", "last", "bad"]]
    until(lambda: consumer.batches[:2] == expected)


@pytest.mark.parametrize(
    "identifiers",
    ["['']", "[None]", "['1']", "[numbers[1], '1']"],
    ids=["empty", "null", "unknown", "one of them unknown"],
)
def test_an_identifier_that_is_none_of_the_batch_fails_all_of_it(
    consume: Consume, identifiers: str
) -> None:
    answer = f"return {{'batchItemFailures': [{{'itemIdentifier': i}} for i in {identifiers}]}}"
    consumer = consume(answer, **REPORTS, before=("a", "b"))
    until(lambda: consumer.batches[:2] == [["a", "b"], ["a", "b"]])


@pytest.mark.parametrize(
    "response", ["None", "{}", "{'batchItemFailures': []}", "{'batchItemFailures': None}"]
)
def test_a_response_without_failures_is_a_success(consume: Consume, response: str) -> None:
    consumer = consume(f"return {response}", **REPORTS, BatchSize=1, before=("a", "b"))
    until(lambda: consumer.datas == ["a", "b"])


def test_a_response_has_no_meaning_without_report_batch_item_failures(consume: Consume) -> None:
    consumer = consume(REPORT_BAD, BatchSize=1, before=("bad", "next"))
    until(lambda: consumer.datas == ["bad", "next"])


@pytest.mark.parametrize(
    ("answer", "timeout", "error"),
    [
        (REFUSE_BAD, 60, "Unhandled"),
        ('if "bad" in datas: time.sleep(60)', 6, "Unhandled"),
        ('if "bad" in datas: os._exit(1)', 60, "Unhandled"),
        (REPORT_BAD, 60, None),
    ],
    ids=["raises", "times out", "exits", "reports"],
)
def test_a_batch_is_retried_as_often_as_allowed_then_discarded(
    consume: Consume, failures: FailureQueue, answer: str, timeout: int, error: str | None
) -> None:
    consumer = consume(
        answer,
        timeout=timeout,
        BatchSize=1,
        MaximumRetryAttempts=1,
        on_failure=failures.arn,
        **REPORTS,
        before=("bad", "next"),
    )
    until(lambda: "next" in consumer.datas)
    assert consumer.datas == ["bad", "bad", "next"]
    document = failures.document()
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["requestContext"]["approximateInvokeCount"] == 2
    assert document["responseContext"].get("functionError") == error
    number = consumer.events[0]["Records"][0]["kinesis"]["sequenceNumber"]
    batch = document["KinesisBatchInfo"]
    assert [batch["startSequenceNumber"], batch["endSequenceNumber"]] == [number, number]


def test_a_failing_batch_is_retried_slower_and_slower(consume: Consume) -> None:
    consumer = consume(REFUSE_BAD, observed='{"Records": [], "time": time.time()}', before=("bad",))
    until(lambda: len(consumer.events) >= 5)
    times = [event["time"] for event in consumer.events]
    # 0.2 s, then twice as long each time. How long else a try takes doesn't matter: it adds to it.
    waits = [after - before for before, after in pairwise(times[:5])]
    assert all(wait >= 0.2 * 2**retry for retry, wait in enumerate(waits))


def test_the_document_of_discarded_records_has_the_fields_of_aws(
    consume: Consume, failures: FailureQueue
) -> None:
    consumer = consume(
        REFUSE_BAD, MaximumRetryAttempts=0, on_failure=failures.arn, before=("bad", "other")
    )
    document = failures.document()
    first, last = (each["kinesis"] for each in consumer.events[0]["Records"])
    assert re.fullmatch(r"[0-9a-f-]{36}", document["requestContext"].pop("requestId"))
    assert document["requestContext"].pop("functionArn").endswith(f":{consumer.function}")
    assert re.fullmatch(TIMESTAMP, document.pop("timestamp"))
    batch = document["KinesisBatchInfo"]
    for name in ("approximateArrivalOfFirstRecord", "approximateArrivalOfLastRecord"):
        assert re.fullmatch(TIMESTAMP, batch.pop(name))
    shard = consumer.events[0]["Records"][0]["eventID"].partition(":")[0]
    assert document == {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 1},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "KinesisBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": first["sequenceNumber"],
            "endSequenceNumber": last["sequenceNumber"],
            "batchSize": 2,
            "streamArn": consumer.stream_arn,
        },
    }


def test_bisecting_isolates_the_bad_record(consume: Consume, failures: FailureQueue) -> None:
    consumer = consume(
        REFUSE_BAD,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        on_failure=failures.arn,
        before=("a", "b", "bad", "c", "d"),
    )

    def taken() -> list[str]:
        return [each for batch in consumer.batches if "bad" not in batch for each in batch]

    until(lambda: "d" in taken())
    assert taken() == ["a", "b", "c", "d"]
    assert failures.document()["KinesisBatchInfo"]["batchSize"] == 1


def test_bisecting_splits_at_the_reported_record(consume: Consume) -> None:
    consumer = consume(
        REPORT_BAD, **REPORTS, BisectBatchOnFunctionError=True, before=("a", "bad", "b", "c")
    )
    expected = [["a", "bad", "b", "c"], ["bad", "b", "c"], ["bad"]]
    until(lambda: consumer.batches[:3] == expected)


def test_records_older_than_the_maximum_age_are_discarded(
    consume: Consume, failures: FailureQueue
) -> None:
    consumer = consume(
        REFUSE_BAD,
        BatchSize=1,
        MaximumRecordAgeInSeconds=60,
        on_failure=failures.arn,
        before=("bad", "next"),
        seconds_before=45,
    )
    document = failures.document()
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    consumer.put("key", "new")
    until(lambda: "new" in consumer.datas)


def test_a_throttled_batch_is_tried_until_its_records_expire(
    consume: Consume, failures: FailureQueue, account: Account
) -> None:
    consumer = consume(
        reserved_concurrency=0,
        MaximumRetryAttempts=0,
        MaximumRecordAgeInSeconds=60,
        on_failure=failures.arn,
        before=("a",),
        seconds_before=45,
    )
    document: Any = failures.document()
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in document
    account.functions.delete_function_concurrency(FunctionName=consumer.function)
    consumer.put("key", "b")
    until(lambda: "b" in consumer.datas)
    assert consumer.datas == ["b"]
