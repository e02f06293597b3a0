"""Event source mappings in Lambda's API.

Source: "CreateEventSourceMapping", "UpdateEventSourceMapping", "GetEventSourceMapping",
"ListEventSourceMappings" and "DeleteEventSourceMapping" in the Lambda API reference.
"""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web
from msgspec import UNSET

from local import account, event_filter
from local.event_source_mapping_configuration import EventSourceMappingConfiguration
from local.event_source_mappings import EventSourceMappings
from local.function import Function
from local.lambda_api_event_source_mapping_forms import (
    CreateEventSourceMapping,
    EventSourceMappingForm,
    UpdateEventSourceMapping,
)
from local.lambda_api_protocol import (
    answer,
    conflict,
    decoded,
    found,
    identified,
    invalid,
    not_found,
    page,
    signed,
)


class EventSourceMappingsApi:
    def __init__(self, functions: Mapping[str, Function], mappings: EventSourceMappings) -> None:
        self._functions = functions
        self._mappings = mappings

    def add_routes(self, router: web.UrlDispatcher) -> None:
        every = "/2015-03-31/event-source-mappings"
        router.add_post(f"{every}{{_:/?}}", signed(self._create))
        router.add_get(f"{every}{{_:/?}}", signed(self._list))
        router.add_get(f"{every}/{{uuid}}", signed(self._get))
        router.add_put(f"{every}/{{uuid}}", signed(self._update))
        router.add_delete(f"{every}/{{uuid}}", signed(self._delete))

    async def _create(self, request: web.Request) -> web.Response:
        form = await decoded(request, CreateEventSourceMapping)
        stream = _resource(form.event_source_arn, account.stream_arn, "a Kinesis stream")
        if form.starting_position == "AT_TIMESTAMP" and form.starting_position_timestamp is None:
            raise invalid("StartingPosition AT_TIMESTAMP needs a StartingPositionTimestamp")
        configuration = EventSourceMappingConfiguration(
            stream=stream,
            starting_position=form.starting_position,
            starting_position_timestamp=form.starting_position_timestamp,
            **self._changes(form),
        )
        _require_whole_shards(configuration)
        await self._require_stream(stream)
        for other in self._mappings.configurations.values():
            if (other.function_name, other.qualifier, other.stream) == (
                configuration.function_name,
                configuration.qualifier,
                stream,
            ):
                raise conflict(
                    f"An event source mapping with event source arn "
                    f"({form.event_source_arn}) and function ({form.function_name}) already "
                    f"exists. Please update or delete the existing mapping with UUID {other.uuid}"
                )
        await self._mappings.put(configuration)
        return answer(202, _document(configuration, "Creating"))

    async def _update(self, request: web.Request) -> web.Response:
        before = self._configuration(request)
        form = await decoded(request, UpdateEventSourceMapping)
        changes = {"last_modified": time.time(), **self._changes(form)}
        configuration = msgspec.structs.replace(before, **changes)
        _require_whole_shards(configuration)
        await self._mappings.put(configuration)
        return answer(202, _document(configuration, "Updating"))

    async def _get(self, request: web.Request) -> web.Response:
        return answer(200, _document(self._configuration(request)))

    async def _list(self, request: web.Request) -> web.Response:
        wanted = self._mappings.configurations
        if "FunctionName" in request.query:
            named = identified(request.query["FunctionName"])
            wanted = {u: c for u, c in wanted.items() if (c.function_name, c.qualifier) == named}
        if "EventSourceArn" in request.query:
            arn = request.query["EventSourceArn"]
            wanted = {u: c for u, c in wanted.items() if account.stream_arn(c.stream) == arn}
        return page("EventSourceMappings", wanted, _document, request)

    async def _delete(self, request: web.Request) -> web.Response:
        configuration = self._configuration(request)
        await self._mappings.remove(configuration.uuid)
        return answer(202, _document(configuration, "Deleting"))

    def _configuration(self, request: web.Request) -> EventSourceMappingConfiguration:
        try:
            return self._mappings.configurations[request.match_info["uuid"]]
        except KeyError:
            raise not_found("The resource you requested does not exist.") from None

    def _changes(self, form: EventSourceMappingForm) -> dict[str, Any]:
        """What the request sets, by the names of EventSourceMappingConfiguration."""
        changes = form.changes()
        if form.function_name is not UNSET:
            name, qualifier = identified(form.function_name)
            found(self._functions, name, qualifier)
            changes |= {"function_name": name, "qualifier": qualifier}
        if form.destination_config is not UNSET:
            destination = form.destination_config.on_failure.destination
            changes["on_failure_queue"] = destination and _resource(
                destination, account.queue_arn, "an SQS queue"
            )
        if form.filter_criteria is not UNSET:
            patterns = [each.pattern for each in form.filter_criteria.filters]
            for pattern in patterns:
                _require_pattern(pattern)
            changes["filters"] = tuple(patterns)
        if changes.get("maximum_record_age") in range(60):
            raise invalid("MaximumRecordAgeInSeconds has to be -1, or 60 at least")
        return changes

    async def _require_stream(self, stream: str) -> None:
        try:
            await self._mappings.kinesis.shards(stream)
        except self._mappings.kinesis.client.exceptions.ResourceNotFoundException:
            raise invalid(f"Stream not found: {account.stream_arn(stream)}") from None


def _resource(arn: str, arn_of: Any, what: str) -> str:
    """The name in an ARN of this account and region."""
    name = arn.rpartition("/")[2].rpartition(":")[2]
    if arn_of(name) != arn:
        raise invalid(f"{arn} is not {what} of the local cloud, as {arn_of('NAME')} would be")
    return name


def _require_whole_shards(configuration: EventSourceMappingConfiguration) -> None:
    if configuration.tumbling_window and configuration.parallelization_factor > 1:
        raise invalid("TumblingWindowInSeconds needs a ParallelizationFactor of 1")


def _require_pattern(pattern: str) -> None:
    try:
        event_filter.parse(pattern)
    except ValueError as error:
        raise invalid(f"Invalid filter pattern definition: {error}") from error


def _document(
    configuration: EventSourceMappingConfiguration, state: str | None = None
) -> dict[str, object]:
    destination = configuration.on_failure_queue
    body: dict[str, object] = {
        "UUID": configuration.uuid,
        "EventSourceMappingArn": (
            f"arn:aws:lambda:{account.REGION}:{account.ACCOUNT_ID}"
            f":event-source-mapping:{configuration.uuid}"
        ),
        "EventSourceArn": account.stream_arn(configuration.stream),
        "FunctionArn": account.function_arn(configuration.function_name, configuration.qualifier),
        "State": state or ("Enabled" if configuration.enabled else "Disabled"),
        "StateTransitionReason": "User action",
        "LastModified": configuration.last_modified,
        "BatchSize": configuration.batch_size,
        "MaximumBatchingWindowInSeconds": configuration.batching_window,
        "ParallelizationFactor": configuration.parallelization_factor,
        "MaximumRetryAttempts": configuration.maximum_retry_attempts,
        "MaximumRecordAgeInSeconds": configuration.maximum_record_age,
        "BisectBatchOnFunctionError": configuration.bisect_on_error,
        "TumblingWindowInSeconds": configuration.tumbling_window,
        "StartingPosition": configuration.starting_position,
        "StartingPositionTimestamp": configuration.starting_position_timestamp,
        "DestinationConfig": {
            "OnFailure": {"Destination": account.queue_arn(destination)} if destination else {}
        },
        "FunctionResponseTypes": (
            ["ReportBatchItemFailures"] if configuration.report_batch_item_failures else []
        ),
    }
    if configuration.filters:
        patterns = [{"Pattern": pattern} for pattern in configuration.filters]
        body["FilterCriteria"] = {"Filters": patterns}
    return body
