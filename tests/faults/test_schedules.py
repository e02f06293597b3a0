"""Everything at once, by chance: each seed is a schedule of faults that can be run again."""

import pytest
from psycopg2 import extensions

from tests.faults.database_proxy import DatabaseProxy
from tests.faults.kinesis_front import KinesisFront
from tests.faults.schedule import Schedule
from tests.faults.world import World

EVENTS = 5_000


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    option = metafunc.config.getoption
    first, count = option("--first-seed", 1), option("--schedules", 4)
    metafunc.parametrize("seed", range(first, first + count))


def test_what_was_acknowledged_is_stored_once_and_in_order(
    seed: int,
    world: World,
    proxy: DatabaseProxy,
    front: KinesisFront,
    database: extensions.connection,
) -> None:
    Schedule(seed, world, proxy, front, database).run(EVENTS)
    print(f"seed {seed}: {len(world.sent)} events sent, {world.bad.total()} in quarantine")
