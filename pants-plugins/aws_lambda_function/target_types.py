"""The target type `python_aws_lambda_function`: its fields, and AWS's limits on their values.

A wrong value fails when the BUILD file is parsed, with the limit in the message. The limits are
those of the AWS documentation's pages "Lambda quotas", "CreateFunction",
"CreateEventSourceMapping", "Quotas for HTTP APIs in API Gateway" and "Cron and rate expressions in
Amazon EventBridge".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from re import Pattern
from typing import Any, Optional

from pants.backend.python.target_types import PythonResolveField
from pants.backend.python.util_rules.faas import PythonFaaSDependencies, PythonFaaSHandlerField
from pants.engine.addresses import Address
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    IntField,
    InvalidFieldException,
    InvalidTargetException,
    StringField,
    StringSequenceField,
    Target,
    TriBoolField,
)
from pants.util.strutil import help_text

HTTP_API_TIMEOUT = 30
FUNCTION_NAME = re.compile(r"\w+\.\w+")
STREAM_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,100}")
QUEUE_NAME = re.compile(r"[a-zA-Z0-9_-]{1,60}")  # AWS's 80, less the environment's name
MAXIMUM_FILTERS = 5
MAXIMUM_PATTERN = 4096  # characters
ROUTE_KEY = re.compile(r"(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE|ANY) (/[^\s?#]*)")
RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
CRON = re.compile(r"cron\(\S+( \S+){5}\)")


def check_each(
    field: str, address: Address, values: Iterable[str], valid: Pattern[str], expected: str
) -> None:
    for value in values:
        if not valid.fullmatch(value):
            raise InvalidFieldException(
                f"The `{field}` field of {address} has the value {value!r}, but must be {expected}."
            )


class HandlerField(PythonFaaSHandlerField):
    help = help_text(
        """
        The handler as `handler.py:<name>`, where `<name>` is the name of the folder, so that the
        function's name in the AWS console tells where its code is.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> str:
        value = super().compute_value(raw_value, address)
        folder = address.spec_path.rpartition("/")[2]
        if value != f"handler.py:{folder}":
            raise InvalidFieldException(
                f"The `handler` field of {address} has the value {value!r}, but must be "
                f"'handler.py:{folder}': the function has its folder's name."
            )
        return value


class BoundedIntField(IntField):
    minimum: int
    maximum: int
    unit: str
    no_limit: Optional[int] = None

    @classmethod
    def compute_value(cls, raw_value: Optional[int], address: Address) -> Optional[int]:
        value: Optional[int] = super().compute_value(raw_value, address)
        if value is None or value == cls.no_limit or cls.minimum <= value <= cls.maximum:
            return value
        or_no_limit = "" if cls.no_limit is None else f", or {cls.no_limit} for no limit"
        raise InvalidFieldException(
            f"The `{cls.alias}` field of {address} has the value {value}, but AWS takes "
            f"{cls.minimum} to {cls.maximum} {cls.unit}{or_no_limit}."
        )


class MemoryField(BoundedIntField):
    alias = "memory"
    default = 256
    minimum, maximum, unit = 128, 10240, "MB"
    help = "Memory in MB; AWS gives processor time in proportion to it."


class TimeoutField(BoundedIntField):
    alias = "timeout"
    default = 30
    minimum, maximum, unit = 1, 900, "seconds"
    help = "Seconds after which AWS ends an invocation."


class ReservedConcurrencyField(BoundedIntField):
    alias = "reserved_concurrency"
    # AWS keeps 100 of an account's 1,000 concurrent executions unreserved.
    minimum, maximum, unit = 0, 900, "concurrent executions"
    help = "The most concurrent executions, kept free for this function; more are throttled."


class OnFailureField(StringField):
    alias = "on_failure"
    help = help_text(
        """
        The destination of asynchronous invocations that have failed for good, scheduled ones too:
        a function of this repository, such as 'consumers.dead_letter'.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value: Optional[str] = super().compute_value(raw_value, address)
        expected = "the name of a function: 'consumers.dead_letter'"
        check_each("on_failure", address, filter(None, [value]), FUNCTION_NAME, expected)
        return value


class ArchitectureField(StringField):
    alias = "architecture"
    valid_choices = ("x86_64", "arm64")
    help = "The instruction set; without it `[aws-lambda-function].architecture`."


class HTTPField(StringSequenceField):
    alias = "http"
    help = "Trigger: API Gateway HTTP API routes, one or a list, such as 'POST /errors'."

    @classmethod
    def compute_value(cls, raw_value: Any, address: Address) -> Optional[tuple[str, ...]]:
        routes = super().compute_value(
            [raw_value] if isinstance(raw_value, str) else raw_value, address
        )
        check_each("http", address, routes or (), ROUTE_KEY, "a method and a path: 'POST /errors'")
        return routes


class ScheduleField(StringField):
    alias = "schedule"
    help = "Trigger: an EventBridge schedule, such as 'rate(1 day)' or 'cron(0 3 * * ? *)'."

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value: Optional[str] = super().compute_value(raw_value, address)
        if value is not None and not (RATE.fullmatch(value) or CRON.fullmatch(value)):
            raise InvalidFieldException(
                f"The `schedule` field of {address} has the value {value!r}, but must be "
                "'rate(1 minute)', 'rate(5 minutes)' (minute, hour or day; plural above 1) or "
                "'cron(…)' with six fields."
            )
        return value


class StreamField(StringField):
    alias = "stream"
    help = "Trigger: the Kinesis stream that an event source mapping reads."

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value: Optional[str] = super().compute_value(raw_value, address)
        check_each("stream", address, filter(None, [value]), STREAM_NAME, EXPECTED_STREAM_NAME)
        return value


EXPECTED_STREAM_NAME = "1 to 100 letters, digits, '_', '.' and '-'"


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


class AWSServicesField(StringSequenceField):
    alias = "aws_services"
    help = help_text(
        """
        The AWS services whose descriptions botocore keeps in the zip, such as 'kinesis'. Without
        it those that the code names: `client("kinesis")`; all, when it names none.
        """
    )


class ZipSizeLimitField(BoundedIntField):
    alias = "zip_size_limit"
    minimum, maximum, unit = 1, 50 * 1024 * 1024, "bytes"
    default = maximum
    help = "Bytes that the zip may have at most. AWS takes 50 MB uploaded directly."


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


class WritesToField(StringSequenceField):
    alias = "writes_to"
    help = "The streams that the function may put records on, and may do nothing else with."

    @classmethod
    def compute_value(cls, raw_value: Any, address: Address) -> Optional[tuple[str, ...]]:
        streams = super().compute_value(raw_value, address)
        check_each("writes_to", address, streams or (), STREAM_NAME, EXPECTED_STREAM_NAME)
        return streams


class DatabaseField(StringField):
    alias = "database"
    valid_choices = ("read", "write", "clear", "redrive", "retention", "owner")
    help = "The Postgres role of the function; without it the function has no database."


class EnvironmentsField(StringSequenceField):
    alias = "environments"
    help = "The environments where the function may exist; without it, everywhere."

    @classmethod
    def compute_value(cls, raw_value: Any, address: Address) -> Optional[tuple[str, ...]]:
        environments = super().compute_value(raw_value, address)
        if environments == ():
            raise InvalidFieldException(
                f"The `environments` field of {address} is empty: name at least one environment, "
                "or leave it out for all."
            )
        return environments


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


class PythonAWSLambdaFunction(Target):
    alias = "python_aws_lambda_function"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        PythonFaaSDependencies,
        PythonResolveField,
        HandlerField,
        MemoryField,
        TimeoutField,
        ReservedConcurrencyField,
        OnFailureField,
        ArchitectureField,
        HTTPField,
        ScheduleField,
        StreamField,
        *STREAM_SETTINGS,
        WritesToField,
        DatabaseField,
        EnvironmentsField,
        AWSServicesField,
        ZipSizeLimitField,
    )
    help = help_text(
        """
        An AWS Lambda function: everything that the zip, the local cloud, the deployer and the
        infrastructure need to know about it.

        `package` writes `dist/<type>.<name>.zip` and its manifest `dist/<type>.<name>.json`.
        """
    )

    def validate(self) -> None:
        triggers = [f for f in (HTTPField, ScheduleField, StreamField) if self[f].value is not None]
        if len(triggers) > 1:
            named = " and ".join(f"`{field.alias}`" for field in triggers)
            raise InvalidTargetException(
                f"{self.address} has {named}, but a function has one trigger."
            )
        if self[StreamField].value is None:
            for field in STREAM_SETTINGS:
                if self[field].value is not None:
                    raise InvalidTargetException(
                        f"{self.address} has `{field.alias}`, which goes only with `stream`."
                    )
        at_timestamp = self[StartingPositionField].value == "AT_TIMESTAMP"
        if at_timestamp != (self[StartingPositionTimestampField].value is not None):
            raise InvalidTargetException(
                f"{self.address}: `starting_position_timestamp` and "
                "`starting_position='AT_TIMESTAMP'` go only together."
            )
        if self[TumblingWindowField].value and (self[ParallelizationFactorField].value or 1) > 1:
            raise InvalidTargetException(
                f"{self.address} has `tumbling_window`, which goes with no "
                "`parallelization_factor` above 1: a window is of a whole shard."
            )
        environments = self[EnvironmentsField].value
        if self[DatabaseField].value == "clear" and "prod" in (environments or ["prod"]):
            raise InvalidTargetException(
                f"{self.address} has the `database` role 'clear', which may delete everything: "
                "name its `environments`, and not prod."
            )
        timeout = self[TimeoutField].value or 0
        if self[HTTPField].value is not None and timeout > HTTP_API_TIMEOUT:
            raise InvalidTargetException(
                f"{self.address} has a `timeout` of {timeout} seconds, but an HTTP API gives up "
                f"after {HTTP_API_TIMEOUT} seconds."
            )
