"""What an environment costs in a month at a number of events per second: arithmetic, nothing else.

items = estimate(manifests, Workload(events_per_second=1000))
Console().print(table(items))
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from deploy.prices import HOURS, SECONDS, US_EAST_1, Prices, tiered
from deploy.traffic import (
    FunctionLoad,
    StreamLoad,
    Workload,
    functions,
    producers,
    streams,
)
from local.manifest import HttpTrigger, Manifest, StreamTrigger, queues_of

GB = 2**30
PUT_UNIT_BYTES = 25 * 1024
AURORA_IO_BYTES = 4096  # "Aurora pricing": a write is counted for each 4 KB of log
PROCESSOR_MEMORY = 1769  # MB; "Configure Lambda function memory": what has one processor
ACU_PROCESSORS = 0.25
SMALLEST_ACU_STEP = 0.5


@dataclass(frozen=True, slots=True)
class Duration:
    """What an invocation takes, in milliseconds."""

    waiting: float  # for Kinesis or the database
    per_event: float  # of one whole processor


@dataclass(frozen=True, slots=True)
class Measured:
    """What an event costs the parts, as measured; docs/scale.md says where and how."""

    producer: Duration = Duration(10.0, 0.1)
    consumer: Duration = Duration(10.0, 0.07)
    # By a function's name: as Lambda's REPORT lines say, in place of the two above.
    durations: Mapping[str, Duration] = field(default_factory=dict)
    database_milliseconds: float = 0.06  # of one processor
    row_bytes: float = 700.0  # with its indexes
    wal_bytes: float = 900.0
    log_bytes: float = 800.0  # of an invocation: Lambda's own lines and ours
    access_log_bytes: float = 300.0
    answer_bytes: float = 60.0  # of an event


@dataclass(frozen=True, slots=True)
class Setting:
    """What the environment's variable file in infra/environments says."""

    minimum_acu: float = 0.5
    database_instances: int = 1
    database_utilisation: float = 0.6  # of its processors, at which Aurora has scaled
    event_retention_days: float = 60.0  # of rows
    log_retention_days: float = 14.0
    endpoint_zones: int = 1
    secrets: int = 1


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bill."""

    service: str
    what: str
    quantity: float
    unit: str
    dollars: float


def estimate(
    manifests: Sequence[Manifest],
    workload: Workload,
    *,
    measured: Measured | None = None,
    setting: Setting | None = None,
    prices: Prices = US_EAST_1,
) -> list[Item]:
    """The monthly bill of the functions whose manifests are given, in order of the events' way.

    Raises ValueError when none of them is a producer, or when a number of the workload is not above
    zero.
    """
    for name in ("events_per_second", "events_per_request", "event_bytes", "compressed"):
        if not getattr(workload, name) > 0:
            raise ValueError(f"{name} must be above 0, not {getattr(workload, name)}")
    if not producers(manifests):
        raise ValueError("No function takes events over HTTP: there is nothing to estimate")
    measured = measured or Measured()
    setting = setting or Setting()
    stream_loads = streams(manifests, workload)
    loads = functions(manifests, stream_loads, workload)
    uses_database = any(m.permissions.database for m in manifests)
    return [
        *_http_api(loads, workload, prices),
        *_lambda(loads, measured, prices),
        *_kinesis(stream_loads, manifests, workload, prices),
        *(_database(workload, measured, setting, prices) if uses_database else ()),
        *_cloudwatch(manifests, loads, measured, setting, prices),
        *_transfer(workload, measured, prices),
    ]


def total(items: Sequence[Item]) -> float:
    """Dollars of all."""
    return sum(item.dollars for item in items)


def table(items: Sequence[Item], prices: Prices = US_EAST_1) -> Table:
    """The bill as a table for a terminal, with its sum."""
    result = Table(
        title=f"A month in {prices.region}, prices of {prices.as_of}, US dollars", show_footer=True
    )
    result.add_column("service", "total")
    result.add_column("what")
    result.add_column("quantity", justify="right")
    result.add_column("unit")
    result.add_column("dollars", f"{total(items):,.2f}", justify="right")
    for item in items:
        quantity = f"{item.quantity:,.2f}"
        result.add_row(item.service, item.what, quantity, item.unit, f"{item.dollars:,.2f}")
    return result


def _is_producer(load: FunctionLoad) -> bool:
    return isinstance(load.manifest.trigger, HttpTrigger)


def _http_api(loads: Sequence[FunctionLoad], workload: Workload, prices: Prices) -> list[Item]:
    requests = sum(load.invocations_per_second for load in loads if _is_producer(load))
    metered = max(1, math.ceil(workload.events_per_request * workload.event_bytes / (512 * 1024)))
    millions = requests * metered * SECONDS / 1e6
    dollars = tiered(millions, prices.http_api_million_requests)
    return [Item("API Gateway", "requests", millions, "million", dollars)]


def milliseconds(load: FunctionLoad, measured: Measured) -> float:
    """How long an invocation takes: what Lambda bills, in whole milliseconds."""
    known = measured.durations.get(load.manifest.name)
    duration = known or (measured.producer if _is_producer(load) else measured.consumer)
    # Lambda gives processor time in proportion to memory.
    slowness = 1.0 if known else max(1.0, PROCESSOR_MEMORY / load.manifest.memory)
    return math.ceil(duration.waiting + duration.per_event * slowness * load.events_per_invocation)


def _lambda(loads: Sequence[FunctionLoad], measured: Measured, prices: Prices) -> list[Item]:
    millions = sum(load.invocations_per_second for load in loads) * SECONDS / 1e6
    items = [
        Item("Lambda", "requests", millions, "million", millions * prices.lambda_million_requests)
    ]
    for load in loads:
        seconds = load.invocations_per_second * SECONDS * milliseconds(load, measured) / 1000
        gb_seconds = seconds * load.manifest.memory / 1024
        dollars = gb_seconds * prices.lambda_gb_second[load.manifest.architecture]
        items.append(Item("Lambda", load.manifest.name, gb_seconds, "GB-second", dollars))
    return items


def _kinesis(
    loads: Sequence[StreamLoad], manifests: Sequence[Manifest], workload: Workload, prices: Prices
) -> list[Item]:
    records = sum(load.records_per_second for load in loads) * SECONDS
    size = loads[0].record_bytes
    if workload.stream_mode == "PROVISIONED":
        shards = sum(load.shards for load in loads) * HOURS
        units = records * math.ceil(size / PUT_UNIT_BYTES) / 1e6
        return [
            Item("Kinesis", "shards", shards, "hour", shards * prices.kinesis_shard_hour),
            Item(
                "Kinesis",
                "PUT payload units",
                units,
                "million",
                units * prices.kinesis_million_put_units,
            ),
        ]
    read = [m.trigger.stream for m in manifests if isinstance(m.trigger, StreamTrigger)]
    hours = len(loads) * HOURS
    gb_in = records * math.ceil(size / 1024) * 1024 / GB  # a record counts in whole KB
    gb_out = sum(
        load.records_per_second * SECONDS * size / GB * read.count(load.name) for load in loads
    )
    return [
        Item("Kinesis", "streams", hours, "hour", hours * prices.kinesis_on_demand_stream_hour),
        Item("Kinesis", "data in", gb_in, "GB", gb_in * prices.kinesis_on_demand_gb_in),
        Item("Kinesis", "data out", gb_out, "GB", gb_out * prices.kinesis_on_demand_gb_out),
    ]


def capacity_units(workload: Workload, measured: Measured, setting: Setting) -> float:
    """The Aurora capacity units (ACU) of an instance that writes all events."""
    processors = workload.events_per_second * measured.database_milliseconds / 1000
    units = processors / setting.database_utilisation / ACU_PROCESSORS
    return max(setting.minimum_acu, math.ceil(units / SMALLEST_ACU_STEP) * SMALLEST_ACU_STEP)


def _database(
    workload: Workload, measured: Measured, setting: Setting, prices: Prices
) -> list[Item]:
    hours = capacity_units(workload, measured, setting) * setting.database_instances * HOURS
    rows = workload.events_per_second * setting.event_retention_days * 24 * 3600
    gb = rows * measured.row_bytes / GB
    writes = workload.events_per_second * SECONDS * measured.wal_bytes / AURORA_IO_BYTES / 1e6
    zones = setting.endpoint_zones * HOURS
    between = workload.events_per_second * SECONDS * workload.event_bytes / GB / 2
    return [
        Item("Aurora", "capacity units", hours, "ACU-hour", hours * prices.aurora_acu_hour),
        Item("Aurora", "storage", gb, "GB", gb * prices.aurora_gb_month),
        Item("Aurora", "writes", writes, "million I/O", writes * prices.aurora_million_io),
        Item(
            "Secrets Manager",
            "secrets",
            setting.secrets,
            "secret",
            setting.secrets * prices.secret_month,
        ),
        Item("VPC", "interface endpoints", zones, "hour", zones * prices.endpoint_hour),
        # Every second execution environment is in another zone than the database.
        Item(
            "Data transfer",
            "between zones",
            between,
            "GB",
            between * prices.transfer_between_zones_gb,
        ),
    ]


def alarms(manifests: Sequence[Manifest]) -> int:
    """How many alarms infra/alarms.tf makes."""
    consumers = [m for m in manifests if isinstance(m.trigger, StreamTrigger)]
    database = 1 if any(m.permissions.database for m in manifests) else 0
    return 2 * len(manifests) + 2 * len(consumers) + database + len(queues_of(manifests))


def _cloudwatch(
    manifests: Sequence[Manifest],
    loads: Sequence[FunctionLoad],
    measured: Measured,
    setting: Setting,
    prices: Prices,
) -> list[Item]:
    invocations = sum(load.invocations_per_second for load in loads)
    requests = sum(load.invocations_per_second for load in loads if _is_producer(load))
    logged = invocations * measured.log_bytes + requests * measured.access_log_bytes
    gb = logged * SECONDS / GB
    kept = logged * setting.log_retention_days * 24 * 3600 / GB
    count = alarms(manifests)
    consumers = len(loads) - sum(map(_is_producer, loads))
    return [
        Item("CloudWatch", "logs in", gb, "GB", tiered(gb, prices.logs_gb_in)),
        Item("CloudWatch", "logs kept", kept, "GB", kept * prices.logs_gb_month),
        Item("CloudWatch", "metrics", consumers, "metric", consumers * prices.metric_month),
        Item("CloudWatch", "alarms", count, "alarm", count * prices.alarm_month),
        Item("CloudWatch", "dashboard", 1, "dashboard", prices.dashboard_month),
    ]


def _transfer(workload: Workload, measured: Measured, prices: Prices) -> list[Item]:
    gb = workload.events_per_second * measured.answer_bytes * SECONDS / GB
    dollars = tiered(gb, prices.transfer_out_gb)
    return [Item("Data transfer", "answers to clients", gb, "GB", dollars)]
