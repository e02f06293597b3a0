"""The fields of a function whose trigger is a Kinesis stream, with AWS's limits on them.

Source: "CreateEventSourceMapping", Lambda API reference, and "Event source mapping filters",
Lambda developer guide.
"""

from __future__ import annotations

import json
import re
from typing import Any, Optional

from pants.engine.addresses import Address
from pants.engine.target import (
    IntField,
    InvalidFieldException,
    StringField,
    StringSequenceField,
    TriBoolField,
)

from aws_lambda_function.field_validation import BoundedIntField, check_each

STREAM_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,100}")
EXPECTED_STREAM_NAME = "1 to 100 letters, digits, '_', '.' and '-'"
QUEUE_NAME = re.compile(r"[a-zA-Z0-9_-]{1,60}")  # AWS's 80, less the environment's name
MAXIMUM_FILTERS = 5
MAXIMUM_PATTERN = 4096  # characters


class StreamField(StringField):
    alias = "stream"
    help = "Trigger: the Kinesis stream that an event source mapping reads."

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value: Optional[str] = super().compute_value(raw_value, address)
        check_each("stream", address, filter(None, [value]), STREAM_NAME, EXPECTED_STREAM_NAME)
        return value


class BatchSizeField(BoundedIntField):
    alias = "batch_size"
    minimum, maximum, unit = 1, 10_000, "records"
    help = "With `stream`: the most records in one invocation. AWS's default is 100."


class BatchingWindowField(BoundedIntField):
    alias = "batching_window"
    minimum, maximum, unit = 0, 300, "seconds"
    help = "With `stream`: seconds to wait for a full batch. AWS's default is 0."


class ParallelizationFactorField(BoundedIntField):
    alias = "parallelization_factor"
    minimum, maximum, unit = 1, 10, "concurrent batches of one shard"
    help = "With `stream`: concurrent batches of one shard. AWS's default is 1."


class MaximumRetryAttemptsField(BoundedIntField):
    alias = "maximum_retry_attempts"
    minimum, maximum, unit, no_limit = 0, 10_000, "attempts", -1
    help = "With `stream`: how often a failed batch is tried again. AWS's default is -1, no limit."


class MaximumRecordAgeField(BoundedIntField):
    alias = "maximum_record_age"
    minimum, maximum, unit, no_limit = 60, 604_800, "seconds", -1
    help = "With `stream`: seconds after which a record is given up. AWS's default is -1, no limit."


class BisectOnErrorField(TriBoolField):
    alias = "bisect_on_error"
    help = "With `stream`: whether a failed batch is split in two. AWS's default is not to."


class TumblingWindowField(BoundedIntField):
    alias = "tumbling_window"
    minimum, maximum, unit = 0, 900, "seconds"
    help = (
        "With `stream`: seconds over which invocations hand on a state. AWS's default is 0, none."
    )


class FiltersField(StringSequenceField):
    alias = "filters"
    help = "With `stream`: event patterns in JSON; a record that matches none is not delivered."

    @classmethod
    def compute_value(cls, raw_value: Any, address: Address) -> Optional[tuple[str, ...]]:
        patterns = super().compute_value(raw_value, address)
        if patterns is not None and len(patterns) > MAXIMUM_FILTERS:
            raise InvalidFieldException(
                f"The `filters` field of {address} has {len(patterns)} patterns, but AWS takes "
                f"{MAXIMUM_FILTERS}."
            )
        for pattern in patterns or ():
            if len(pattern) > MAXIMUM_PATTERN or not is_pattern_on_data(pattern):
                raise InvalidFieldException(
                    f"The `filters` field of {address} has the value {pattern!r}, but must be an "
                    f"event pattern on the record's data of at most {MAXIMUM_PATTERN} characters: "
                    '\'{"data": {"level": ["ERROR"]}}\'.'
                )
        return patterns


def is_pattern_on_data(pattern: str) -> bool:
    """Whether it is JSON, of an object whose only key is `data`: Kinesis has no other filters."""
    try:
        value = json.loads(pattern)
    except ValueError:
        return False
    return isinstance(value, dict) and list(value) == ["data"] and isinstance(value["data"], dict)


class OnFailureQueueField(StringField):
    alias = "on_failure_queue"
    help = "With `stream`: the SQS queue that is told of each batch that is given up."

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value: Optional[str] = super().compute_value(raw_value, address)
        expected = "1 to 60 letters, digits, '_' and '-'"
        check_each("on_failure_queue", address, filter(None, [value]), QUEUE_NAME, expected)
        return value


class StartingPositionField(StringField):
    alias = "starting_position"
    valid_choices = ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")
    help = "With `stream`: where a new mapping begins to read; without it, TRIM_HORIZON."


class StartingPositionTimestampField(IntField):
    alias = "starting_position_timestamp"
    help = "With `starting_position='AT_TIMESTAMP'`: the time to begin at, in Unix time seconds."


STREAM_SETTINGS = (
    BatchSizeField,
    BatchingWindowField,
    ParallelizationFactorField,
    MaximumRetryAttemptsField,
    MaximumRecordAgeField,
    BisectOnErrorField,
    TumblingWindowField,
    FiltersField,
    OnFailureQueueField,
    StartingPositionField,
    StartingPositionTimestampField,
)
