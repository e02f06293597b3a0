from dataclasses import replace

import pytest
from msgspec import structs

from deploy.traffic import Workload, functions, streams
from local.manifest import Permissions
from tests.deploy.test_cost import BATCHES, CONSUMER, PRODUCER, WORKLOAD


def test_a_provisioned_stream_has_shards_for_its_bytes() -> None:
    # 4,000 events of 1,000 bytes, compressed to half: 2,000,000 bytes, and a shard takes 1,048,576.
    workload = replace(WORKLOAD, events_per_second=4000.0, stream_mode="PROVISIONED")
    (load,) = streams([PRODUCER, CONSUMER], workload)
    assert load.shards == 2
    assert load.record_bytes == 5000.0


def test_a_provisioned_stream_has_shards_for_its_records() -> None:
    # Small events, one in a request: 2,500 records, and a shard takes 1,000.
    workload = Workload(2500.0, 1.0, 100.0, 1.0, "PROVISIONED")
    (load,) = streams([PRODUCER], workload)
    assert load.shards == 3


@pytest.mark.parametrize(("events_per_second", "shards"), [(1.0, 4), (8000.0, 8)])
def test_an_on_demand_stream_has_four_shards_and_twice_its_need(
    events_per_second: float, shards: int
) -> None:
    # 8,000 events: 4,000,000 bytes, four shards' worth.
    workload = replace(WORKLOAD, events_per_second=events_per_second)
    (load,) = streams([PRODUCER], workload)
    assert load.shards == shards


def test_events_spread_over_the_producers_and_the_streams_of_each() -> None:
    both = structs.replace(PRODUCER, permissions=Permissions(("errors", "logs"), None))
    loads = {load.name: load.events_per_second for load in streams([PRODUCER, both], WORKLOAD)}
    assert loads == {"errors": 75.0, "logs": 25.0}


def test_a_consumer_runs_when_its_batch_is_full() -> None:
    # 2,000 records a second in 4 shards of 2 lanes: 250 a lane, 2.5 batches of 100.
    workload = replace(WORKLOAD, events_per_second=20_000.0, compressed=0.1)
    manifests = [PRODUCER, CONSUMER]
    _, load = functions(manifests, streams(manifests, workload), workload)
    assert load.invocations_per_second == 20.0
    assert load.events_per_invocation == 1000.0


def test_a_batch_is_full_at_6_mb_too() -> None:
    # 1,000 events make a record of 500,000 bytes, of which 12 fill a batch. 24 come in a second.
    workload = replace(WORKLOAD, events_per_second=24_000.0, events_per_request=1000.0)
    patient = structs.replace(CONSUMER, trigger=structs.replace(BATCHES, batching_window=300))
    manifests = [PRODUCER, patient]
    _, load = functions(manifests, streams(manifests, workload), workload)
    assert load.invocations_per_second == pytest.approx(2.0)


def test_a_consumer_waits_for_its_window() -> None:
    # 8 lanes, of which each gets 1.25 records a second and waits 4 seconds.
    patient = structs.replace(CONSUMER, trigger=structs.replace(BATCHES, batching_window=4))
    manifests = [PRODUCER, patient]
    _, load = functions(manifests, streams(manifests, WORKLOAD), WORKLOAD)
    assert load.invocations_per_second == 2.0
    assert load.events_per_invocation == 50.0


def test_a_consumer_runs_no_oftener_than_records_come() -> None:
    workload = replace(WORKLOAD, events_per_second=1.0)  # 0.1 records
    manifests = [PRODUCER, CONSUMER]
    _, load = functions(manifests, streams(manifests, workload), workload)
    assert load.invocations_per_second == pytest.approx(0.1)
    assert load.events_per_invocation == pytest.approx(10.0)
