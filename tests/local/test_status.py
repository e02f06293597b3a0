"""What the terminal and `--json` show of a running cloud."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.cloud import Cloud
from local.errors import LocalCloudError
from local.log_follower import LogFollower
from local.status import JsonStatus, Look, ScreenStatus, Status
from tests.local.conftest import invoke
from tests.local.consumers import keys_of_first_shard
from tests.local.streams import Sink, put, until

type Package = Callable[..., None]
type Run = Callable[..., None]

SAYS = "def handler(event, context): print('said', event)"


async def show_until(status: Status, cloud: Cloud, follow: str, seen: Callable[[], bool]) -> None:
    showing = asyncio.create_task(status.show(cloud, follow))
    async with asyncio.timeout(20):
        while not seen():
            await asyncio.sleep(0.01)
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)


def test_the_rows_of_functions(package: Package, run: Run) -> None:
    package("tests.one", "def handler(event, context): 1 / 0", reserved_concurrency=1)

    async def test(cloud: Cloud) -> None:
        await asyncio.gather(invoke(cloud, 1), invoke(cloud, 2))
        rows = await Look(cloud).rows()
        expected = {
            "function": "local-tests-one",
            "trigger": "by hand",
            "invocations": 1,
            "running": 0,
            "errors": 1,
            "throttles": 1,
            "cold_starts": 1,
        }
        assert rows == {"functions": [expected], "shards": [], "quarantine": []}

    run(test)


def test_the_rows_of_shards(run: Run, sink: Sink) -> None:
    sink.package()

    async def test(cloud: Cloud) -> None:
        look = Look(cloud)
        await until(lambda: len(cloud.pollers) == 2)
        await put(cloud, keys_of_first_shard(1)[0], *map(str, range(10)))
        await until(lambda: sum(poller.delivered for poller in cloud.pollers) == 10)
        first, second = (await look.rows())["shards"]
        per_second = first.pop("per_second")
        assert isinstance(per_second, int)
        assert per_second > 0
        assert first == {
            "stream": "local-tests",
            "shard": "shardId-000000000000",
            "delivered": 10,
            "waiting": 0,
            "iterator_age": 0,
            "retries": 0,
            "discarded": 0,
        }
        assert (second["shard"], second["delivered"]) == ("shardId-000000000001", 0)
        assert [shard["per_second"] for shard in (await look.rows())["shards"]] == [0, 0]

    run(test)


def test_the_row_of_a_shard_with_a_record_that_fails(run: Run, sink: Sink) -> None:
    sink.package("1 / 0", maximum_retry_attempts=3)

    async def test(cloud: Cloud) -> None:
        look = Look(cloud)
        await until(lambda: len(cloud.pollers) == 2)
        await put(cloud, keys_of_first_shard(1)[0], "bad")
        rows: list[Any] = [{"discarded": 0}]
        async with asyncio.timeout(60):
            while not rows[-1]["discarded"]:
                await asyncio.sleep(0.02)
                rows.append((await look.rows())["shards"][0])
        assert max(row["waiting"] for row in rows[1:]) == 1
        assert max(row["iterator_age"] for row in rows[1:]) > 0
        last = rows[-1]
        assert (last["retries"], last["discarded"], last["waiting"]) == (3, 1, 0)

    run(test)


def test_the_number_of_rows_in_quarantine(package: Package, run: Run) -> None:
    package("tests.one", SAYS, permissions={"writes_to": [], "database": "owner"})

    async def test(cloud: Cloud) -> None:
        assert cloud.postgres is not None
        look = Look(cloud)
        assert (await look.rows())["quarantine"] == []
        with cloud.postgres.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE quarantine AS SELECT generate_series(1, 3)")
        assert (await look.rows())["quarantine"] == [{"quarantined": 3}]

    run(test)


def test_the_screen_shows_functions_and_follows_a_log(package: Package, run: Run) -> None:
    package("tests.one", SAYS)
    output = io.StringIO()

    async def test(cloud: Cloud) -> None:
        await invoke(cloud, 7)
        status = ScreenStatus(Console(file=output, force_terminal=True, width=120))
        await show_until(status, cloud, "tests.one", lambda: "cold starts" in output.getvalue())
        assert "said 7\n" in output.getvalue()
        assert "REPORT RequestId:" in output.getvalue()
        assert "local-tests-one" in output.getvalue()

    run(test)


def test_json_follows_a_log(package: Package, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    package("tests.one", SAYS)
    printed: list[Any] = []

    def is_shown() -> bool:
        printed.extend(map(json.loads, capsys.readouterr().out.splitlines()))
        return bool(printed) and printed[-1]["event"] == "status"

    async def test(cloud: Cloud) -> None:
        await invoke(cloud, 7)
        await show_until(JsonStatus(), cloud, "tests.one", is_shown)
        events = [each["event"] for each in printed]
        assert events == ["ready", "log", "log", "log", "log", "status"]
        assert printed[2] == {"event": "log", "function": "tests.one", "line": "said 7"}
        assert printed[-1]["functions"][0]["invocations"] == 1

    run(test)


def test_a_log_is_followed_line_by_line(package: Package, run: Run, tmp_path: Path) -> None:
    package("tests.one", "")
    log = tmp_path / "state" / "logs" / "local-tests-one" / "some.log"

    async def test(cloud: Cloud) -> None:
        follower = LogFollower(cloud, "tests.one")
        assert follower.new_lines() == []
        log.parent.mkdir()
        log.write_text("one\ntwo\nthr")
        assert follower.new_lines() == ["one", "two"]
        log.write_text("one\ntwo\nthree\n")
        assert follower.new_lines() == ["three"]
        assert follower.new_lines() == []

    run(test)


def test_who_is_not_there_can_not_be_followed(package: Package, run: Run) -> None:
    package("tests.one", "")

    async def test(cloud: Cloud) -> None:
        with pytest.raises(LocalCloudError, match=r"no function tests\.two .* of tests\.one"):
            LogFollower(cloud, "tests.two")

    run(test)
