"""The bill against one worked out by hand: prices are round, the month has 2,628,000 seconds."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs
from rich.console import Console

from deploy.cost import (
    Duration,
    Item,
    Measured,
    Setting,
    capacity_units,
    estimate,
    table,
    total,
)
from deploy.prices import US_EAST_1, Prices, Tier, tiered
from deploy.traffic import Workload
from local.manifest import HttpTrigger, Manifest, Permissions, StreamTrigger, Zip

PRICES = Prices(
    region="nowhere",
    as_of="2000-01",
    lambda_million_requests=1.0,
    lambda_gb_second={"x86_64": 2.0, "arm64": 1.0},
    kinesis_on_demand_stream_hour=2.0,
    kinesis_on_demand_gb_in=10.0,
    kinesis_on_demand_gb_out=1.0,
    kinesis_shard_hour=3.0,
    kinesis_million_put_units=5.0,
    http_api_million_requests=(Tier(10.0, 2.0), Tier(float("inf"), 1.0)),
    aurora_acu_hour=1.0,
    aurora_gb_month=2.0,
    aurora_million_io=3.0,
    secret_month=4.0,
    logs_gb_in=(Tier(float("inf"), 1.0),),
    logs_gb_month=1.0,
    metric_month=5.0,
    alarm_month=6.0,
    dashboard_month=7.0,
    endpoint_hour=1.0,
    transfer_out_gb=(Tier(float("inf"), 1.0),),
    transfer_between_zones_gb=1.0,
)
PRODUCER = Manifest(
    name="producers.error_event",
    handler="producers.error_event.handler.error_event",
    runtime="python3.13",
    architecture="arm64",
    zip=Zip("producers.error_event.zip", "0" * 64, 1, 1),
    memory=1769,
    timeout=10,
    reserved_concurrency=None,
    on_failure=None,
    trigger=HttpTrigger(("POST /errors",)),
    permissions=Permissions(("errors",), None),
    environments=None,
)
BATCHES = StreamTrigger(
    stream="errors",
    batch_size=100,
    batching_window=0,
    parallelization_factor=2,
    maximum_retry_attempts=-1,
    maximum_record_age=-1,
    bisect_on_error=True,
    tumbling_window=0,
    filters=(),
    on_failure_queue="failed",
    starting_position="TRIM_HORIZON",
    starting_position_timestamp=None,
)
CONSUMER = structs.replace(
    PRODUCER,
    name="consumers.error_sink",
    memory=2048,
    architecture="x86_64",
    trigger=BATCHES,
    permissions=Permissions((), "write"),
)
# 10 requests a second; 10 records of 5,000 bytes; 8 lanes, each polled once a second.
WORKLOAD = Workload(100.0, events_per_request=10.0, event_bytes=1000.0, compressed=0.5)
MEASURED = Measured(
    producer=Duration(10.0, 1.0),
    consumer=Duration(7.0, 2.0),
    database_milliseconds=6.0,
    row_bytes=1024.0,
    wal_bytes=2048.0,
    log_bytes=1000.0,
    access_log_bytes=200.0,
    answer_bytes=50.0,
)
SETTING = Setting(
    minimum_acu=0.5,
    database_instances=2,
    database_utilisation=0.5,
    event_retention_days=10.0,
    log_retention_days=5.0,
    endpoint_zones=2,
    secrets=3,
)

# Quantity and dollars of each line.
BY_HAND = {
    # 10 x 2,628,000. The first 10 million cost 2 dollars each, the others 1.
    ("API Gateway", "requests"): (26.28, 36.28),
    # 10 requests and 8 batches a second.
    ("Lambda", "requests"): (47.304, 47.304),
    # 10 x 2,628,000 x 20 ms x 1769 / 1024 GB.
    ("Lambda", "producers.error_event"): (907_994.53125, 907_994.53125),
    # 8 x 2,628,000 x (7 + 2 x 12.5) ms x 2 GB, at 2 dollars.
    ("Lambda", "consumers.error_sink"): (1_345_536.0, 2_691_072.0),
    ("Kinesis", "streams"): (730.0, 1460.0),
    # 5,000 bytes count as 5 KB: 26,280,000 x 5 / 1,048,576.
    ("Kinesis", "data in"): (125.312805, 1253.12805),
    ("Kinesis", "data out"): (122.375786, 122.375786),
    # 0.6 processors at half load are 1.2, 4.8 units, in halves 5, twice.
    ("Aurora", "capacity units"): (7300.0, 7300.0),
    # 100 x 864,000 rows of 1 KB.
    ("Aurora", "storage"): (82.397461, 164.794922),
    # Half a write an event.
    ("Aurora", "writes"): (131.4, 394.2),
    ("Secrets Manager", "secrets"): (3.0, 12.0),
    ("VPC", "interface endpoints"): (1460.0, 1460.0),
    # 262,800,000 x 1,000 bytes, every second one.
    ("Data transfer", "between zones"): (122.375786, 122.375786),
    # 18 x 1,000 + 10 x 200 bytes a second.
    ("CloudWatch", "logs in"): (48.950315, 48.950315),
    ("CloudWatch", "logs kept"): (8.046627, 8.046627),
    ("CloudWatch", "metrics"): (1.0, 5.0),
    # 2 for each function, 2 more for the consumer, the database, the queue.
    ("CloudWatch", "alarms"): (8.0, 48.0),
    ("CloudWatch", "dashboard"): (1.0, 7.0),
    # 262,800,000 x 50 bytes.
    ("Data transfer", "answers to clients"): (12.237579, 12.237579),
}


def bill(workload: Workload = WORKLOAD, **options: Any) -> dict[tuple[str, str], Item]:
    defaults = {"measured": MEASURED, "setting": SETTING, "prices": PRICES}
    items = estimate([PRODUCER, CONSUMER], workload, **{**defaults, **options})
    return {(item.service, item.what): item for item in items}


@pytest.mark.parametrize("line", BY_HAND, ids=" ".join)
def test_each_line_is_as_worked_out_by_hand(line: tuple[str, str]) -> None:
    item = bill()[line]
    assert (item.quantity, item.dollars) == pytest.approx(BY_HAND[line], rel=1e-6)


def test_no_line_is_left_out() -> None:
    assert bill().keys() == BY_HAND.keys()


def test_a_provisioned_stream_is_billed_by_shards_and_put_payload_units() -> None:
    # Records of 30,000 bytes: two units of 25 KB. 10 a second are 300,000 bytes, one shard.
    workload = replace(WORKLOAD, event_bytes=6000.0, stream_mode="PROVISIONED")
    items = bill(workload)
    assert items["Kinesis", "shards"].dollars == 730 * 3
    assert items["Kinesis", "PUT payload units"].dollars == pytest.approx(26.28 * 2 * 5)
    assert ("Kinesis", "streams") not in items


def test_each_consumer_of_a_stream_reads_all_of_it() -> None:
    second = structs.replace(CONSUMER, name="consumers.archive")
    items = estimate([PRODUCER, CONSUMER, second], WORKLOAD, prices=PRICES)
    (read,) = [item for item in items if item.what == "data out"]
    assert read.quantity == pytest.approx(2 * 122.375786)


def test_a_request_is_metered_by_512_kb() -> None:
    # 10 x 60,000 bytes are two.
    items = bill(replace(WORKLOAD, event_bytes=60_000.0))
    assert items["API Gateway", "requests"].quantity == pytest.approx(52.56)


def test_what_a_function_was_measured_to_take_on_aws_is_taken_as_it_is() -> None:
    durations = {"producers.error_event": Duration(100.0, 0.0)}
    items = bill(measured=replace(MEASURED, durations=durations))
    expected = 26_280_000 * 0.1 * 1769 / 1024
    assert items["Lambda", "producers.error_event"].quantity == pytest.approx(expected)


def test_with_less_memory_a_function_takes_longer() -> None:
    small = structs.replace(PRODUCER, memory=1024)
    items = estimate([small], WORKLOAD, measured=MEASURED, prices=PRICES)
    (producer,) = [item for item in items if item.what == "producers.error_event"]
    # It waits 10 ms and then works for 10 x 1769 / 1024 = 17.28 ms; 27.28 ms are billed as 28.
    assert producer.quantity == pytest.approx(26_280_000 * 0.028)


def test_without_functions_that_use_it_there_is_no_database() -> None:
    items = estimate([PRODUCER], WORKLOAD, prices=PRICES)
    assert {"Aurora", "Secrets Manager", "VPC"}.isdisjoint(item.service for item in items)


def test_a_database_has_no_less_than_its_minimum() -> None:
    setting = replace(SETTING, minimum_acu=8.0)
    assert capacity_units(WORKLOAD, MEASURED, setting) == 8.0


@pytest.mark.parametrize(
    ("quantity", "dollars"), [(0.0, 0.0), (5.0, 10.0), (10.0, 20.0), (15.0, 25.0), (40.0, 43.0)]
)
def test_each_part_of_a_quantity_costs_what_its_tier_says(quantity: float, dollars: float) -> None:
    tiers = (Tier(10.0, 2.0), Tier(20.0, 1.0), Tier(float("inf"), 0.65))
    assert tiered(quantity, tiers) == pytest.approx(dollars)


@pytest.mark.parametrize(
    "name", ["events_per_second", "events_per_request", "event_bytes", "compressed"]
)
def test_a_workload_of_nothing_is_refused_by_name(name: str) -> None:
    nothing: dict[str, Any] = {name: 0.0}
    with pytest.raises(ValueError, match=f"{name} must be above 0, not 0"):
        bill(replace(WORKLOAD, **nothing))


def test_functions_that_take_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="No function takes events over HTTP"):
        estimate([CONSUMER], WORKLOAD)


def test_twice_the_events_never_cost_less() -> None:
    rates = [2.0**exponent for exponent in range(21)]
    totals = [
        total(estimate([PRODUCER, CONSUMER], replace(WORKLOAD, events_per_second=rate)))
        for rate in rates
    ]
    assert totals == sorted(totals)


def test_the_table_says_when_and_where_its_prices_are_of_and_adds_them_up() -> None:
    items = [Item("Kinesis", "streams", 1460.0, "hour", 58.4), Item("Lambda", "f", 1, "s", 1.6)]
    console = Console(width=100, record=True)
    console.print(table(items))
    text = console.export_text()
    assert f"us-east-1, prices of {US_EAST_1.as_of}" in text
    assert "1,460.00" in text
    assert "60.00" in text
