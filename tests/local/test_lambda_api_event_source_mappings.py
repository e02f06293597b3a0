"""Rules of "CreateEventSourceMapping", "UpdateEventSourceMapping", "GetEventSourceMapping",
"ListEventSourceMappings" and "DeleteEventSourceMapping" in the Lambda API reference.

These tests also run against AWS: see docs/local-cloud.md.
"""

from typing import Any

import pytest

from tests.local.accounts import Account
from tests.local.consumers import Consume, until
from tests.local.test_lambda_api_functions import refused


def test_a_mapping_has_awss_defaults(consume: Consume, account: Account) -> None:
    consumer = consume()
    mapping: Any = account.functions.get_event_source_mapping(UUID=consumer.mapping)
    assert mapping["State"] == "Enabled"
    assert mapping["EventSourceArn"] == consumer.stream_arn
    assert mapping["FunctionArn"].endswith(f":function:{consumer.function}")
    fields = {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "TumblingWindowInSeconds": 0,
        "StartingPosition": "TRIM_HORIZON",
    }
    assert {name: mapping[name] for name in fields} == fields


def test_a_mapping_is_listed_by_its_function_and_by_its_stream(
    consume: Consume, account: Account
) -> None:
    consumer, _ = consume(), consume()
    by: list[dict[str, str]] = [
        {"FunctionName": consumer.function},
        {"EventSourceArn": consumer.stream_arn},
    ]
    for arguments in by:
        listed: Any = account.functions.list_event_source_mappings(**arguments)  # type: ignore[arg-type]
        assert [each["UUID"] for each in listed["EventSourceMappings"]] == [consumer.mapping]


@pytest.mark.parametrize(
    "fields",
    [
        {"BatchSize": 10_001},
        {"MaximumBatchingWindowInSeconds": 301},
        {"ParallelizationFactor": 11},
        {"MaximumRetryAttempts": 10_001},
        {"MaximumRecordAgeInSeconds": 604_801},
        {"TumblingWindowInSeconds": 901},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_mapping_outside_its_limits_is_refused(
    consume: Consume, account: Account, fields: dict[str, Any]
) -> None:
    consumer = consume()
    update = account.functions.update_event_source_mapping
    refused("ValidationException", update, UUID=consumer.mapping, **fields)


def test_a_filter_that_is_no_event_pattern_is_refused(consume: Consume, account: Account) -> None:
    consumer = consume()
    message = refused(
        "InvalidParameterValueException",
        account.functions.update_event_source_mapping,
        UUID=consumer.mapping,
        FilterCriteria={"Filters": [{"Pattern": '{"data": {"level": "ERROR"}}'}]},
    )
    assert "Invalid filter pattern definition" in message


def test_a_mapping_of_what_does_not_exist_is_refused(consume: Consume, account: Account) -> None:
    consumer = consume()
    create = account.functions.create_event_source_mapping
    mapping: Any = {"StartingPosition": "LATEST", "EventSourceArn": consumer.stream_arn}
    refused("ResourceNotFoundException", create, FunctionName="none-such", **mapping)
    mapping["EventSourceArn"] = consumer.stream_arn + "-other"
    refused("InvalidParameterValueException", create, FunctionName=consumer.function, **mapping)


def test_a_function_has_one_mapping_of_a_stream(consume: Consume, account: Account) -> None:
    consumer = consume()
    message = refused(
        "ResourceConflictException",
        account.functions.create_event_source_mapping,
        FunctionName=consumer.function,
        EventSourceArn=consumer.stream_arn,
        StartingPosition="LATEST",
    )
    assert consumer.mapping in message


def test_a_disabled_mapping_delivers_nothing_until_it_is_enabled(consume: Consume) -> None:
    consumer = consume()
    consumer.put("key", "one")
    until(lambda: consumer.datas == ["one"])
    consumer.update(Enabled=False)
    consumer.wait_for("Disabled")
    consumer.put("key", "two")
    consumer.update(Enabled=True)
    until(lambda: consumer.datas == ["one", "two"])


def test_an_updated_mapping_goes_on_where_it_was(consume: Consume) -> None:
    consumer = consume(BatchSize=1)
    consumer.put("key", "a", "b")
    until(lambda: consumer.batches == [["a"], ["b"]])
    consumer.update(BatchSize=10, MaximumBatchingWindowInSeconds=1)
    consumer.wait_for("Enabled")
    consumer.put("key", "c", "d")
    until(lambda: consumer.batches == [["a"], ["b"], ["c", "d"]])


def test_a_deleted_mapping_is_gone(consume: Consume, account: Account) -> None:
    consumer = consume()
    answer: Any = account.functions.delete_event_source_mapping(UUID=consumer.mapping)
    assert answer["State"] == "Deleting"

    def is_gone() -> bool:
        listed = account.functions.list_event_source_mappings(FunctionName=consumer.function)
        return listed["EventSourceMappings"] == []

    until(is_gone)
    get = account.functions.get_event_source_mapping
    refused("ResourceNotFoundException", get, UUID=consumer.mapping)


def test_a_mapping_invokes_the_version_that_an_alias_names(consume: Consume) -> None:
    seen = '{"Records": [], "seen": [context.invoked_function_arn, context.function_version]}'
    consumer = consume(observed=seen, qualifier="live")
    consumer.put("key", "one")
    until(lambda: len(consumer.events) == 1)
    arn, version = consumer.events[0]["seen"]
    assert arn.endswith(f":{consumer.function}:live")
    assert version == "1"
