"""What the terminal shows: the steps of the start, then one live screen, plain lines or JSON."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from local.cloud import Cloud
from local.function import Function
from local.manifest import HttpTrigger, ScheduleTrigger, StreamTrigger

REFRESH_SECONDS = 0.5
EXAMPLE_ROUTE = "POST /errors"
EXAMPLE_BODY = {
    "service": "shop",
    "environment": "laptop",
    "type": "ValueError",
    "message": "Not a number",
}


class Status(Protocol):
    def progress(self, what: str, seconds: float) -> None:
        """Says that a step of the start is done."""

    async def show(self, cloud: Cloud) -> None:
        """Shows the running cloud until cancelled."""


class ScreenStatus:
    """For a person: one screen that stays up to date, or plain lines where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def progress(self, what: str, seconds: float) -> None:
        self._console.print(f"{what} in {seconds:.2f} s", highlight=False)

    async def show(self, cloud: Cloud) -> None:
        for line in introduction(cloud):
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        if not self._console.is_terminal:
            await asyncio.Event().wait()
        with Live(console=self._console, auto_refresh=False) as live:
            while True:
                tables = Group(_table(function_rows(cloud)), _table(shard_rows(cloud)))
                live.update(tables, refresh=True)
                await asyncio.sleep(REFRESH_SECONDS)


class JsonStatus:
    """For a machine: one JSON object per line on standard output."""

    def progress(self, what: str, seconds: float) -> None:
        _print_json("progress", what=what, seconds=round(seconds, 3))

    async def show(self, cloud: Cloud) -> None:
        _print_json("ready", url=cloud.url, api_key=cloud.api_key)
        shown = None
        while True:
            counts = {"functions": function_rows(cloud), "shards": shard_rows(cloud)}
            if counts != shown:
                _print_json("status", **counts)
            shown = counts
            await asyncio.sleep(REFRESH_SECONDS)


def introduction(cloud: Cloud) -> Iterable[str]:
    """What one needs to talk to the cloud."""
    yield f"Ready at {cloud.url} (HTTP, and Lambda's invoke API for any AWS SDK)"
    yield f"API key: {cloud.api_key}"
    if any(EXAMPLE_ROUTE in _trigger(function) for function in cloud.functions.values()):
        path = EXAMPLE_ROUTE.removeprefix("POST ")
        body = json.dumps(EXAMPLE_BODY)
        yield f"Try: curl {cloud.url}{path} -H 'X-Api-Key: {cloud.api_key}' -d '{body}'"
    if cloud.kinesis is not None:
        yield f"Kinesis: {cloud.kinesis.endpoint}"
    if cloud.postgres is not None:
        yield f"Postgres: {cloud.postgres.uri}"
    yield "Stop: Ctrl-C"


def function_rows(cloud: Cloud) -> list[dict[str, str | float]]:
    return [
        {
            "function": function.name,
            "trigger": _trigger(function),
            "invocations": function.invocations,
            "running": function.running,
            "errors": function.errors,
            "cold_starts": function.cold_starts,
        }
        for function in cloud.functions.values()
    ]


def shard_rows(cloud: Cloud) -> list[dict[str, str | float]]:
    return [
        {
            "stream": poller.stream,
            "shard": poller.shard_id,
            "delivered": poller.delivered,
            "waiting": poller.waiting,
            "iterator_age": round(poller.iterator_age, 1),
            "retries": poller.retries,
        }
        for poller in cloud.pollers
    ]


def _trigger(function: Function) -> str:
    match function.manifest.trigger:
        case HttpTrigger(routes):
            return ", ".join(routes)
        case StreamTrigger(stream):
            return f"stream {stream}"
        case ScheduleTrigger(expression):
            return expression
        case None:
            return "by hand"


def _table(rows: Sequence[Mapping[str, str | float]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for row in rows[:1]:
        for heading, value in row.items():
            table.add_column(
                heading.replace("_", " "), justify="left" if isinstance(value, str) else "right"
            )
    for row in rows:
        table.add_row(*map(str, row.values()))
    return table


def _print_json(event: str, **values: object) -> None:
    print(json.dumps({"event": event, **values}), flush=True)
