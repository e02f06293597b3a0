"""What AWS charges. The one place to change when prices do, or for another region."""

from dataclasses import dataclass

HOURS = 730.0  # in a month, as AWS counts
SECONDS = HOURS * 3600


@dataclass(frozen=True, slots=True)
class Tier:
    """A price for what is used up to a limit, from the limit of the tier before."""

    up_to: float
    dollars: float


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars, before taxes, without free tiers, savings plans and other agreements.

    A GB is what AWS bills as one: 2**30 bytes.
    """

    region: str
    as_of: str  # year and month
    lambda_million_requests: float
    lambda_gb_second: dict[str, float]  # by architecture
    kinesis_on_demand_stream_hour: float
    kinesis_on_demand_gb_in: float
    kinesis_on_demand_gb_out: float
    kinesis_shard_hour: float
    kinesis_million_put_units: float  # of 25 KB
    http_api_million_requests: tuple[Tier, ...]  # of 512 KB; the limits are in millions
    aurora_acu_hour: float
    aurora_gb_month: float
    aurora_million_io: float
    secret_month: float
    logs_gb_in: tuple[Tier, ...]  # of Lambda; the limits are in GB
    logs_gb_month: float
    metric_month: float  # of our own, such as what goes to quarantine
    alarm_month: float
    dashboard_month: float
    endpoint_hour: float  # of a VPC interface endpoint, in one availability zone
    transfer_out_gb: tuple[Tier, ...]  # to the internet; the limits are in GB
    transfer_between_zones_gb: float  # both directions


_NO_LIMIT = float("inf")

# Collected by hand from https://aws.amazon.com: the pages lambda/pricing, api-gateway/pricing,
# kinesis/data-streams/pricing, rds/aurora/pricing, secrets-manager/pricing, cloudwatch/pricing,
# privatelink/pricing and ec2/pricing/on-demand (data transfer). In November 2026 they were compared
# with copies of what had been published; of AWS's pages these had the text, but not the tables:
# - AWS itself says what HTTP APIs cost ("Cost optimization" in "Best Practices for Designing Amazon
#   API Gateway Private APIs and Private Integration"), and how Kinesis counts records and units.
# - Others, from 2024 to 2026, say the same of Lambda and its logs, a stream's and a shard's hour,
#   ACU hours, Aurora's storage, secrets, logs, metrics, alarms, dashboards, endpoints and data
#   transfer.
# - Little or nothing was found on what goes into and out of an on-demand stream, PUT payload units
#   and Aurora's I/O: look these up first.
US_EAST_1 = Prices(
    region="us-east-1",
    as_of="2025-06",
    lambda_million_requests=0.20,
    lambda_gb_second={"x86_64": 0.0000166667, "arm64": 0.0000133334},
    kinesis_on_demand_stream_hour=0.04,
    kinesis_on_demand_gb_in=0.08,
    kinesis_on_demand_gb_out=0.04,
    kinesis_shard_hour=0.015,
    kinesis_million_put_units=0.014,
    http_api_million_requests=(Tier(300, 1.00), Tier(_NO_LIMIT, 0.90)),
    aurora_acu_hour=0.12,
    aurora_gb_month=0.10,
    aurora_million_io=0.20,
    secret_month=0.40,
    logs_gb_in=(
        Tier(10 * 1024, 0.50),
        Tier(30 * 1024, 0.25),
        Tier(50 * 1024, 0.10),
        Tier(_NO_LIMIT, 0.05),
    ),
    logs_gb_month=0.03,
    metric_month=0.30,
    alarm_month=0.10,
    dashboard_month=3.00,
    endpoint_hour=0.01,
    transfer_out_gb=(
        Tier(10 * 1024, 0.09),
        Tier(50 * 1024, 0.085),
        Tier(150 * 1024, 0.07),
        Tier(_NO_LIMIT, 0.05),
    ),
    transfer_between_zones_gb=0.02,
)


def tiered(quantity: float, tiers: tuple[Tier, ...]) -> float:
    """Dollars for a quantity of which each part costs what its tier says."""
    dollars = lower = 0.0
    for tier in tiers:
        dollars += max(min(quantity, tier.up_to) - lower, 0.0) * tier.dollars
        lower = tier.up_to
    return dollars
