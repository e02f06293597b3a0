"""A function that is packaged again while the local cloud runs."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local import hot_swap
from local.cloud import Cloud
from tests.local.conftest import invoke
from tests.local.streams import Sink, put, until

type Package = Callable[..., None]
type Run = Callable[..., None]

# It answers once the file that the event names exists, if it names one.
SOURCE = """
import os, time
def handler(event, context):
    while event and not os.path.exists(event):
        time.sleep(0.01)
    return {!r}
"""


@pytest.fixture
def run_watching(run: Run, tmp_path: Path) -> Callable[..., None]:
    """Runs an async test with a local cloud and what it tells, while it watches dist."""

    def run_with_watcher(test: Callable[..., Any]) -> None:
        async def watched(cloud: Cloud) -> None:
            told: list[str] = []
            watcher = asyncio.create_task(
                hot_swap.watch(
                    cloud.packaged, cloud.triggers, lambda what, seconds: told.append(what)
                )
            )
            await test(cloud, told)
            watcher.cancel()

        run(watched)

    return run_with_watcher


async def until_told(told: list[str], what: str) -> None:
    async with asyncio.timeout(20):
        while not any(each.startswith(what) for each in told):
            await asyncio.sleep(0.01)


async def status(cloud: Cloud, path: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(cloud.url + path) as response:
        return response.status


def test_running_invocations_finish_on_the_old_code_and_new_ones_get_the_new(
    package: Package, run_watching: Callable[..., None], tmp_path: Path
) -> None:
    package("tests.one", SOURCE.format("old"))
    end = tmp_path / "end"

    async def test(cloud: Cloud, told: list[str]) -> None:
        assert await invoke(cloud, None) == "old"
        running = asyncio.create_task(invoke(cloud, str(end)))
        await asyncio.sleep(0)  # until it has an environment
        package("tests.one", SOURCE.format("new"), memory=256)
        await until_told(told, "tests.one swapped")
        assert await invoke(cloud, None) == "new"
        assert not running.done()
        end.touch()
        assert await running == "old"
        assert [await invoke(cloud, None) for _ in range(2)] == ["new", "new"]
        function = cloud.functions["local-tests-one"]
        assert (function.latest.memory, function.errors, function.cold_starts) == (256, 0, 2)

    run_watching(test)


def test_no_invocation_is_lost_while_code_changes_under_load(
    package: Package, run_watching: Callable[..., None]
) -> None:
    package("tests.one", SOURCE.format(0))

    async def test(cloud: Cloud, told: list[str]) -> None:
        answers: list[int] = []

        async def client() -> None:
            while not answers or answers[-1] < 3:
                answers.append(await invoke(cloud, None))

        clients = [asyncio.create_task(client()) for _ in range(4)]
        for version in (1, 2, 3):
            told.clear()
            package("tests.one", SOURCE.format(version))
            await until_told(told, "tests.one swapped")
        await asyncio.gather(*clients)
        assert set(answers) <= {0, 1, 2, 3}  # and no error's document
        assert cloud.functions["local-tests-one"].errors == 0

    run_watching(test)


def test_an_unfinished_zip_is_not_taken_and_said_to_be_so_when_it_stays(
    package: Package,
    run_watching: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hot_swap, "SETTLE_SECONDS", 0.1)
    package("tests.one", SOURCE.format("old"))

    async def test(cloud: Cloud, told: list[str]) -> None:
        package("tests.one", SOURCE.format("new"))
        archive = tmp_path / "dist" / "tests.one.zip"
        content = archive.read_bytes()
        archive.write_bytes(content[:100])
        await until_told(told, "tests.one not swapped: ")
        assert await invoke(cloud, None) == "old"
        archive.write_bytes(content)
        await until_told(told, "tests.one swapped")
        assert await invoke(cloud, None) == "new"
        assert len(told) == 2

    run_watching(test)


def test_a_new_function_is_served(package: Package, run_watching: Callable[..., None]) -> None:
    package("tests.one", SOURCE.format("one"))

    async def test(cloud: Cloud, told: list[str]) -> None:
        route = {"type": "http", "routes": ["GET /two"]}
        package("tests.two", "def handler(event, context): return 'two'", trigger=route)
        await until_told(told, "tests.two added")
        assert await status(cloud, "/two") == 200

    run_watching(test)


def test_a_changed_trigger_replaces_the_one_before(
    package: Package, run_watching: Callable[..., None]
) -> None:
    answers = "def handler(event, context): return 'answer'"
    package("tests.one", answers, trigger={"type": "http", "routes": ["GET /before"]})

    async def test(cloud: Cloud, told: list[str]) -> None:
        assert [await status(cloud, "/before"), await status(cloud, "/after")] == [200, 404]
        package("tests.one", answers, trigger={"type": "http", "routes": ["GET /after"]})
        await until_told(told, "tests.one swapped")
        assert [await status(cloud, "/before"), await status(cloud, "/after")] == [404, 200]

    run_watching(test)


def test_a_removed_stream_trigger_ends_the_mapping(
    package: Package, sink: Sink, run_watching: Callable[..., None]
) -> None:
    sink.package()

    async def test(cloud: Cloud, told: list[str]) -> None:
        await until(lambda: len(cloud.pollers) == 2)
        package("tests.sink", "")
        await until_told(told, "tests.sink swapped")
        assert cloud.pollers == []

    run_watching(test)


def test_a_changed_stream_trigger_replaces_the_one_before(
    sink: Sink, run_watching: Callable[..., None]
) -> None:
    sink.package()

    async def test(cloud: Cloud, told: list[str]) -> None:
        await put(cloud, "key", "before")
        await until(lambda: sink.datas == ["before"])
        sink.package(batch_size=1)
        await until_told(told, "tests.sink swapped")
        await put(cloud, "key", "a", "b")
        await until(lambda: sink.batches == [["before"], ["a"], ["b"]])

    run_watching(test)
