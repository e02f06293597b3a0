"""The requests of Lambda's API that make and change event source mappings.

Source: "CreateEventSourceMapping" and "UpdateEventSourceMapping" in the Lambda API reference.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from local.event_source_mapping_configuration import StartingPosition
from local.lambda_api_forms import Form

type Limit = Annotated[int, Meta(ge=-1, le=10_000)]
type RecordAge = Annotated[int, Meta(ge=-1, le=604_800)]  # seconds


class OnFailure(Form, frozen=True):
    destination: str | None = None


class DestinationConfig(Form, frozen=True):
    on_failure: OnFailure = OnFailure()


class Filter(Form, frozen=True):
    pattern: str = "{}"


class FilterCriteria(Form, frozen=True):
    filters: Annotated[tuple[Filter, ...], Meta(max_length=5)] = ()


class EventSourceMappingForm(Form, frozen=True):
    function_name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    batch_size: Annotated[int, Meta(ge=1, le=10_000)] | UnsetType = UNSET
    batching_window: Annotated[int, Meta(ge=0, le=300)] | UnsetType = field(
        default=UNSET, name="MaximumBatchingWindowInSeconds"
    )
    parallelization_factor: Annotated[int, Meta(ge=1, le=10)] | UnsetType = UNSET
    maximum_retry_attempts: Limit | UnsetType = UNSET
    maximum_record_age: RecordAge | UnsetType = field(
        default=UNSET, name="MaximumRecordAgeInSeconds"
    )
    bisect_on_error: bool | UnsetType = field(default=UNSET, name="BisectBatchOnFunctionError")
    tumbling_window: Annotated[int, Meta(ge=0, le=900)] | UnsetType = field(
        default=UNSET, name="TumblingWindowInSeconds"
    )
    filter_criteria: FilterCriteria | UnsetType = UNSET
    destination_config: DestinationConfig | UnsetType = UNSET
    function_response_types: tuple[Literal["ReportBatchItemFailures"], ...] | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """What needs no look at anything else, by the names of EventSourceMappingConfiguration."""
        changes = self.given(
            "enabled",
            "batch_size",
            "batching_window",
            "parallelization_factor",
            "maximum_retry_attempts",
            "maximum_record_age",
            "bisect_on_error",
            "tumbling_window",
        )
        if self.function_response_types is not UNSET:
            changes["report_batch_item_failures"] = bool(self.function_response_types)
        return changes


class CreateEventSourceMapping(EventSourceMappingForm, frozen=True, kw_only=True):
    function_name: str
    event_source_arn: str
    starting_position: StartingPosition
    starting_position_timestamp: float | None = None


class UpdateEventSourceMapping(EventSourceMappingForm, frozen=True):
    pass
