"""What the terminal shows: the steps of the start, then one live screen, plain lines or JSON."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from typing import Protocol

import psycopg2
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from local import login
from local.cloud import Cloud
from local.event_source_mapping_shard import ShardPoller
from local.function import Function
from local.log_follower import LogFollower
from local.manifest import HttpTrigger, ScheduleTrigger, StreamTrigger
from local.postgres import Postgres

REFRESH_SECONDS = 0.5
EXAMPLE_ROUTE = "POST /errors"
EXAMPLE_BODY = {
    "service": "shop",
    "environment": "laptop",
    "type": "ValueError",
    "message": "Not a number",
}


type Row = dict[str, str | float]


class Status(Protocol):
    def progress(self, what: str, seconds: float) -> None:
        """Says that something is done: a step of the start, or a change of a function's code."""

    async def show(self, cloud: Cloud, follow: str | None) -> None:
        """Shows the running cloud until cancelled, with the log of the function to `follow`."""


class ScreenStatus:
    """For a person: one screen that stays up to date, or plain lines where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def progress(self, what: str, seconds: float) -> None:
        self._print(f"{what} in {seconds:.2f} s")

    async def show(self, cloud: Cloud, follow: str | None) -> None:
        follower, look = LogFollower(cloud, follow), Look(cloud)
        for line in introduction(cloud):
            self._print(line)
        live = Live(console=self._console, auto_refresh=False)
        with live if self._console.is_terminal else nullcontext():
            while True:
                for line in follower.new_lines():
                    self._print(line)
                if self._console.is_terminal:
                    live.update(_screen(await look.rows()), refresh=True)
                await asyncio.sleep(REFRESH_SECONDS)

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


class JsonStatus:
    """For a machine: one JSON object per line on standard output."""

    def progress(self, what: str, seconds: float) -> None:
        _print_json("progress", what=what, seconds=round(seconds, 3))

    async def show(self, cloud: Cloud, follow: str | None) -> None:
        follower, look = LogFollower(cloud, follow), Look(cloud)
        kinesis = cloud.kinesis.endpoint
        _print_json(
            "ready",
            url=cloud.url,
            api_key=cloud.api_key,
            account=login.NAME if cloud.password else None,
            password=cloud.password,
            kinesis=kinesis,
        )
        shown = None
        while True:
            for line in follower.new_lines():
                _print_json("log", function=follow, line=line)
            rows = await look.rows()
            if rows != shown:
                _print_json("status", **rows)
            shown = rows
            await asyncio.sleep(REFRESH_SECONDS)


class Look:
    """What there is to see of a cloud, at every look anew."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._delivered: dict[ShardPoller, int] = {}
        self._looked = time.monotonic()

    async def rows(self) -> dict[str, list[Row]]:
        """Functions, shards and the quarantine, if there is one; a row is its headed values."""
        now = time.monotonic()
        seconds, self._looked = now - self._looked, now
        rows = {
            "functions": [function_row(function) for function in self._cloud.functions.values()],
            "shards": [self._shard_row(poller, seconds) for poller in self._cloud.pollers],
            "quarantine": [],
        }
        if self._cloud.postgres is not None:
            count = await asyncio.to_thread(quarantined, self._cloud.postgres)
            rows["quarantine"] = [] if count is None else [{"quarantined": count}]
        return rows

    def _shard_row(self, poller: ShardPoller, seconds: float) -> Row:
        delivered = poller.delivered - self._delivered.get(poller, 0)
        self._delivered[poller] = poller.delivered
        return {
            "stream": poller.stream,
            "shard": poller.shard_id,
            "delivered": poller.delivered,
            "per_second": round(delivered / seconds),
            "waiting": poller.waiting,
            "iterator_age": round(poller.iterator_age, 1),
            "retries": poller.retries,
            "discarded": poller.discarded,
        }


def quarantined(postgres: Postgres) -> int | None:
    """The rows of the table `quarantine`; None where there is no such table, or no answer."""
    try:
        with closing(postgres.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('quarantine') IS NOT NULL")
            ((exists,),) = cursor.fetchall()
            if not exists:
                return None
            cursor.execute("SELECT count(*) FROM quarantine")
            ((count,),) = cursor.fetchall()
            return int(count)
    except psycopg2.OperationalError:
        return None  # it is busy: the next look tells; if it has ended, the cloud's watch says so


def introduction(cloud: Cloud) -> Iterable[str]:
    """What one needs to talk to the cloud."""
    yield f"Ready at {cloud.url} (HTTP, and Lambda's API for any AWS SDK)"
    yield f"API key: {cloud.api_key}"
    if any(EXAMPLE_ROUTE in _trigger(function) for function in cloud.functions.values()):
        path = EXAMPLE_ROUTE.removeprefix("POST ")
        body = json.dumps(EXAMPLE_BODY)
        yield f"Try: curl {cloud.url}{path} -H 'X-Api-Key: {cloud.api_key}' -d '{body}'"
    if cloud.password is not None:
        yield login.invitation(cloud.url, cloud.password)
    yield f"Kinesis and SQS: {cloud.kinesis.endpoint}"
    if cloud.postgres is not None:
        yield f"Postgres: {cloud.postgres.uri}"
    yield "Stop: Ctrl-C"


def function_row(function: Function) -> Row:
    return {
        "function": function.name,
        "trigger": _trigger(function),
        "invocations": function.invocations,
        "running": function.running,
        "errors": function.errors,
        "throttles": function.throttles,
        "cold_starts": function.cold_starts,
    }


def _trigger(function: Function) -> str:
    match function.trigger:
        case HttpTrigger(routes):
            return ", ".join(routes)
        case StreamTrigger(stream):
            return f"stream {stream}"
        case ScheduleTrigger(expression):
            return expression
        case None:
            return "by hand"


def _screen(rows: Mapping[str, Sequence[Row]]) -> Group:
    return Group(*(_table(table) for table in rows.values() if table))


def _table(rows: Sequence[Row]) -> Table:
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
