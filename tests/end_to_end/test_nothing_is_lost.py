"""The packaged functions under load, while their execution environments are killed at random.

5,000 events unless the environment variable EVENTS says another number.
"""

import asyncio
import os
import random
import signal
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from local.cloud import Cloud, running_cloud
from tests.fixtures import execution_environments

EVENTS = int(os.environ.get("EVENTS", "5000"))
CLIENTS = 8
EVENTS_PER_REQUEST = 50
SECONDS_BETWEEN_KILLS = 0.5
STALLED_SECONDS = 60.0  # without a new row: what is missing then will not come

FIELDS: dict[str, dict[str, Any]] = {
    "logs": {"level": "INFO", "message": "Order 42 was shipped"},
    "errors": {"type": "ValueError", "message": "Not a number", "stack": []},
}


def event(table: str, number: int) -> dict[str, Any]:
    """An event with an id of its own; two of three share one of a few partition keys."""
    return {
        "event_id": str(uuid.uuid4()),
        "occurred_at": datetime.now(UTC).isoformat(),
        "service": "shop",
        "environment": "test",
        **({"partition_key": f"customer {number % 20}"} if number % 3 else {}),
        **FIELDS[table],
    }


async def send(cloud: Cloud, table: str, count: int) -> set[str]:
    """One client: sends events until each request got a 202; returns the events' ids."""
    ids = set()
    async with aiohttp.ClientSession(headers={"X-Api-Key": cloud.api_key}) as session:
        for start in range(0, count, EVENTS_PER_REQUEST):
            events = [event(table, n) for n in range(start, min(start + EVENTS_PER_REQUEST, count))]
            while not await accepted(session, f"{cloud.url}/{table}", events):
                await asyncio.sleep(0.05)
            ids |= {each["event_id"] for each in events}
    return ids


async def accepted(session: aiohttp.ClientSession, url: str, events: list[dict[str, Any]]) -> bool:
    async with session.post(url, json=events) as response:
        await response.read()
        assert response.status in (202, 500, 502, 503), await response.text()
        return response.status == 202


async def kill_at_random(kills: list[int]) -> None:
    while True:
        await asyncio.sleep(random.uniform(0, 2 * SECONDS_BETWEEN_KILLS))
        if environments := list(execution_environments.running()):
            kills.append(random.choice(environments))
            with suppress(ProcessLookupError):
                os.kill(kills[-1], signal.SIGKILL)


def stored(cloud: Cloud, table: str) -> set[str]:
    """The ids in a table of events, the reasons in quarantine."""
    assert cloud.postgres is not None
    column = "event_id" if table in FIELDS else "reason"
    with cloud.postgres.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {column}::text FROM {table}")
        values = {value for (value,) in cursor.fetchall()}
    connection.close()
    return values


async def arrived(cloud: Cloud, sent: dict[str, set[str]]) -> dict[str, set[str]]:
    """The ids in the tables, when all are there or no more come."""
    rows: dict[str, set[str]] = {}
    progress = time.monotonic()
    while rows != sent and time.monotonic() < progress + STALLED_SECONDS:
        before, rows = (
            rows,
            {table: await asyncio.to_thread(stored, cloud, table) for table in sent},
        )
        if rows != before:
            progress = time.monotonic()
        await asyncio.sleep(0.2)
    return rows


async def run(directory: Path) -> None:
    kills: list[int] = []
    async with running_cloud(Path(), directory, 0, lambda what, seconds: None) as cloud:
        killing = asyncio.create_task(kill_at_random(kills))
        watching = asyncio.create_task(cloud.watch())
        started = time.monotonic()
        tables = ["logs", "errors"] * (CLIENTS // 2)
        clients = [send(cloud, table, EVENTS // CLIENTS) for table in tables]
        sent: dict[str, set[str]] = {"logs": set(), "errors": set()}
        for table, ids in zip(tables, await asyncio.gather(*clients), strict=True):
            sent[table] |= ids
        accepted_after = time.monotonic() - started
        rows = await arrived(cloud, sent)
        stored_after = time.monotonic() - started
        killing.cancel()
        assert not watching.done(), watching.exception()  # no mapping has ended
        watching.cancel()
        total = sum(map(len, sent.values()))
        print(
            f"{total} events from {CLIENTS} clients, {len(kills)} environments killed: accepted in "
            f"{accepted_after:.1f} s, stored in {stored_after:.1f} s"
        )
        for table, ids in sent.items():
            missing, unexpected = ids - rows[table], rows[table] - ids
            assert not missing, f"{table} misses {len(missing)} events that got a 202"
            assert not unexpected, f"{table} holds {len(unexpected)} events that got no 202"
        assert await asyncio.to_thread(stored, cloud, "quarantine") == set()
        assert kills


def test_the_tables_hold_exactly_the_ids_that_got_a_202(tmp_path: Path) -> None:
    asyncio.run(run(tmp_path))
