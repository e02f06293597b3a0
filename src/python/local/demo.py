"""The demo: sends real events through a local cloud, and fails unless it reads all of them back."""

import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from local import account, login, program
from local.cloud import Cloud, running_cloud
from local.demo_clients import OPENTELEMETRY_SERVICE, send_by_opentelemetry, send_by_sentry
from local.demo_events import error_events, log_events
from local.status import ScreenStatus

EVENTS_PER_TABLE = 650
EVENTS_BY_SDK = 50  # of those: the errors by Sentry's SDK, the logs by OpenTelemetry's exporter
EVENTS_PER_REQUEST = 50
ARRIVAL_SECONDS = 60.0  # after that, what has not arrived is missing
SHOWN_ROWS = 4


async def demo(dist: Path, console: Console) -> int:
    """Returns 0 only if the tables hold exactly the events sent, and quarantine holds none."""
    with tempfile.TemporaryDirectory(prefix="local-cloud-") as state:
        async with running_cloud(dist, Path(state), 0, ScreenStatus(console).progress) as cloud:
            if cloud.password is not None:
                console.print(login.invitation(cloud.url, cloud.password), markup=False)
            started = time.monotonic()
            by_http = EVENTS_PER_TABLE - EVENTS_BY_SDK
            events = {"logs": log_events(by_http), "errors": error_events(by_http)}
            sent = {table: await send(cloud, table, events[table]) for table in events}
            for table, send_by_sdk in (("logs", send_by_opentelemetry), ("errors", send_by_sentry)):
                sent[table] += await asyncio.to_thread(
                    send_by_sdk, cloud.url, cloud.api_key, EVENTS_BY_SDK
                )
            in_seconds = time.monotonic() - started
            total = sum(map(len, sent.values()))
            console.print(f"{total} events sent and accepted in {in_seconds:.2f} s")
            started = time.monotonic()
            tables = {table: await arrived(cloud, table, len(ids)) for table, ids in sent.items()}
            tables["quarantine"] = await read(cloud, "quarantine")
            in_seconds = time.monotonic() - started
            console.print(f"All tables read back through read_table in {in_seconds:.2f} s")
            for table in sent:
                console.print(shown(table, tables[table]))
            return verdict(sent, tables, console)


async def send(cloud: Cloud, table: str, events: list[dict[str, Any]]) -> list[str]:
    """Sends events over HTTP; returns the ids of those accepted."""
    ids = []
    async with aiohttp.ClientSession(headers={"X-Api-Key": cloud.api_key}) as session:
        for batch in itertools.batched(events, EVENTS_PER_REQUEST, strict=False):
            async with session.post(f"{cloud.url}/{table}", json=batch) as response:
                answer = await response.json()
                ids += [entry["event_id"] for entry in answer["accepted"]]
    return ids


async def arrived(cloud: Cloud, table: str, count: int) -> list[dict[str, Any]]:
    """The rows of a table, as soon as there are `count` of them or the time for that is over."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while len(rows := await read(cloud, table)) < count and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    return rows


async def read(cloud: Cloud, table: str) -> list[dict[str, Any]]:
    """All rows of a table, read as anyone with an AWS SDK would."""
    return await asyncio.to_thread(lambda: list(pages(cloud.url, table)))


def pages(url: str, table: str) -> Iterator[dict[str, Any]]:
    client = account.lambda_client(url)
    event: dict[str, Any] = {"table": table, "limit": 500}
    while True:
        response = client.invoke(
            FunctionName=account.deployed_name("consumers.read_table"), Payload=json.dumps(event)
        )
        answer = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            raise RuntimeError(f"read_table failed: {answer['errorMessage']}")
        yield from answer["rows"]
        if answer["cursor"] is None:
            return
        event["cursor"] = answer["cursor"]


def identity(row: dict[str, Any]) -> str:
    """What a row was sent as: its id, or its message where the client knows of no id."""
    by_opentelemetry = row.get("service") == OPENTELEMETRY_SERVICE
    return str(row["message" if by_opentelemetry else "event_id"])


def shown(name: str, rows: list[dict[str, Any]]) -> Table:
    columns = ["occurred_at", "service", "level" if name == "logs" else "type", "message"]
    table = Table(*columns, title=f"{name}: the newest of {len(rows)} rows")
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*(str(row[column])[:60] for column in columns))
    return table


def verdict(
    sent: dict[str, list[str]], tables: dict[str, list[dict[str, Any]]], console: Console
) -> int:
    """Says what is missing, unexpected or quarantined; returns the exit status."""
    faults = len(tables["quarantine"])
    for row in tables["quarantine"][:SHOWN_ROWS]:
        console.print(f"quarantined: {row['reason']}", markup=False)
    for table, ids in sent.items():
        read_back = Counter(map(identity, tables[table]))
        missing, unexpected = Counter(ids) - read_back, read_back - Counter(ids)
        refused = EVENTS_PER_TABLE - len(ids)
        console.print(
            f"{table}: {EVENTS_PER_TABLE} sent, {refused} refused, {len(tables[table])} read back, "
            f"{missing.total()} missing, {unexpected.total()} unexpected"
        )
        faults += refused + missing.total() + unexpected.total()
    console.print(f"quarantine: {len(tables['quarantine'])}")
    console.print("[red]FAILED[/red]" if faults else "[green]Everything sent came out.[/green]")
    return 1 if faults else 0


def main() -> int:
    parser = program.argument_parser("Sends real events through the functions in dist/.")
    arguments = program.parse(parser)
    return program.run(demo(arguments.dist, Console()), status_when_stopped=130)


if __name__ == "__main__":
    sys.exit(main())
