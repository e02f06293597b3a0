"""Rules of "Retain discarded batch records for a Kinesis Data Streams event source in Lambda" and
"Configuring partial batch response with Kinesis Data Streams and Lambda", in the Lambda developer
guide: what becomes of records that a function does not take."""

from collections.abc import Callable

import pytest

from local.cloud import Cloud
from tests.local.streams import REFUSE_BAD, REPORT_BAD, Sink, discarded, put, until

type Run = Callable[..., None]


def test_a_batch_is_retried_from_the_lowest_reported_failure(run: Run, sink: Sink) -> None:
    sink.package(REPORT_BAD, maximum_retry_attempts=1)

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "first", "bad", "last", "bad")
        await until(lambda: len(sink.batches) == 2)

    run(test)
    assert sink.batches == [["first", "bad", "last", "bad"], ["bad", "last", "bad"]]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ('if "bad" in datas: raise ValueError', "Unhandled"),
        ('if "bad" in datas: time.sleep(60)', "Unhandled"),
        ('if "bad" in datas: os._exit(1)', "Unhandled"),
        (REPORT_BAD, None),
    ],
    ids=["raises", "times out", "exits", "reports"],
)
def test_a_batch_is_retried_as_often_as_allowed_then_discarded(
    run: Run, sink: Sink, answer: str, error: str | None
) -> None:
    sink.package(answer, batch_size=1, maximum_retry_attempts=2, on_failure_queue="failures")

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "bad", "next")
        await until(lambda: "next" in sink.datas)
        (document,) = await discarded(cloud)
        assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert document["requestContext"]["approximateInvokeCount"] == 3
        assert document["responseContext"].get("functionError") == error
        number = sink.events[0]["Records"][0]["kinesis"]["sequenceNumber"]
        batch = document["KinesisBatchInfo"]
        assert [batch["startSequenceNumber"], batch["endSequenceNumber"]] == [number, number]

    run(test)
    assert sink.datas == ["bad", "bad", "bad", "next"]


def test_bisecting_isolates_the_bad_record(run: Run, sink: Sink) -> None:
    sink.package(
        REFUSE_BAD, bisect_on_error=True, maximum_retry_attempts=0, on_failure_queue="failures"
    )

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "a", "b", "bad", "c", "d")
        await until(lambda: ["c", "d"] in sink.batches)
        (document,) = await discarded(cloud)
        assert document["KinesisBatchInfo"]["batchSize"] == 1

    run(test)
    taken = [batch for batch in sink.batches if "bad" not in batch]
    assert [each for batch in taken for each in batch] == ["a", "b", "c", "d"]


def test_records_older_than_the_maximum_age_are_discarded(run: Run, sink: Sink) -> None:
    # AWS takes no less than 60 seconds; the local cloud does not check that again.
    sink.package(REFUSE_BAD, batch_size=1, maximum_record_age=1, on_failure_queue="failures")

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "bad")
        await until(lambda: sum(poller.discarded for poller in cloud.pollers) == 1)
        await put(cloud, "key", "next")
        await until(lambda: "next" in sink.datas)
        (document,) = await discarded(cloud)
        assert document["requestContext"]["condition"] == "RecordAgeExceeded"

    run(test)


def test_a_throttled_batch_is_tried_until_its_records_expire(run: Run, sink: Sink) -> None:
    sink.package(
        reserved_concurrency=0,
        maximum_retry_attempts=0,
        maximum_record_age=1,
        on_failure_queue="failures",
    )

    async def test(cloud: Cloud) -> None:
        await put(cloud, "key", "a")
        await until(lambda: sum(poller.discarded for poller in cloud.pollers) == 1)
        assert sum(poller.retries for poller in cloud.pollers) > 1
        (document,) = await discarded(cloud)
        assert document["requestContext"]["condition"] == "RecordAgeExceeded"
        assert document["requestContext"]["approximateInvokeCount"] == 0
        assert "responseContext" not in document

    run(test)
    assert sink.events == []


def test_a_discarded_record_does_not_come_back_after_a_restart(run: Run, sink: Sink) -> None:
    sink.package(REFUSE_BAD, batch_size=1, maximum_retry_attempts=0)

    def until_delivered(*datas: str) -> Callable[[Cloud], object]:
        async def test(cloud: Cloud) -> None:
            await put(cloud, "key", *datas)
            await until(lambda: datas[-1] in sink.datas)
            await until(lambda: all(poller.waiting == 0 for poller in cloud.pollers))

        return test

    run(until_delivered("bad", "a"))
    run(until_delivered("b"))
    assert sink.datas == ["bad", "a", "b"]
