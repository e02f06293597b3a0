"""The target type `python_aws_lambda_function`: its fields, and AWS's limits on their values.

A wrong value fails when the BUILD file is parsed, with the limit in the message. The limits are
those of the AWS documentation's pages "Lambda quotas", "CreateFunction",
"CreateEventSourceMapping", "Quotas for HTTP APIs in API Gateway" and "Cron and rate expressions in
Amazon EventBridge".
"""

from __future__ import annotations

import re
from typing import Any, Optional

from pants.backend.python.target_types import PythonResolveField
from pants.backend.python.util_rules.faas import PythonFaaSDependencies, PythonFaaSHandlerField
from pants.engine.addresses import Address
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    InvalidFieldException,
    InvalidTargetException,
    StringField,
    StringSequenceField,
    Target,
)
from pants.util.strutil import help_text

from aws_lambda_function.event_source_mapping_fields import (
    EXPECTED_STREAM_NAME,
    STREAM_NAME,
    STREAM_SETTINGS,
    ParallelizationFactorField,
    StartingPositionField,
    StartingPositionTimestampField,
    StreamField,
    TumblingWindowField,
)
from aws_lambda_function.field_validation import BoundedIntField, check_each

HTTP_API_TIMEOUT = 30
FUNCTION_NAME = re.compile(r"\w+\.\w+")
ROUTE_KEY = re.compile(r"(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE|ANY) (/[^\s?#]*)")
RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
CRON = re.compile(r"cron\(\S+( \S+){5}\)")


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


class WritesToField(StringSequenceField):
    alias = "writes_to"
    help = "The streams that the function may put records on, and may do nothing else with."

    @classmethod
    def compute_value(cls, raw_value: Any, address: Address) -> Optional[tuple[str, ...]]:
        streams = super().compute_value(raw_value, address)
        check_each("writes_to", address, streams or (), STREAM_NAME, EXPECTED_STREAM_NAME)
        return streams


class ReadsFromField(StringSequenceField):
    alias = "reads_from"
    help = help_text(
        """
        The streams whose records the function may read by itself. The one that triggers it is
        read for it.
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Any, address: Address) -> Optional[tuple[str, ...]]:
        streams = super().compute_value(raw_value, address)
        check_each("reads_from", address, streams or (), STREAM_NAME, EXPECTED_STREAM_NAME)
        return streams


class DatabaseField(StringField):
    alias = "database"
    valid_choices = (
        "read",
        "write",
        "clear",
        "redrive",
        "retention",
        "counts",
        "accounts",
        "login",
        "web",
        "owner",
    )
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
        ReadsFromField,
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
