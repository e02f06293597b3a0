"""The local cloud as a program uses it: started and ended within an event loop."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.cloud import running_cloud
from tests.local.conftest import invoke

type Package = Callable[..., None]


def test_nothing_of_it_is_left_in_the_event_loop(package: Package, tmp_path: Path) -> None:
    package("tests.one", "def handler(event, context): return event")
    complaints: list[str] = []

    def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        complaints.append(context["message"])

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(complain)
        for _ in range(2):
            dist, state = tmp_path / "dist", tmp_path / "state"
            async with running_cloud(dist, state, 0, lambda what, seconds: None) as cloud:
                assert await invoke(cloud, 1) == 1
            assert asyncio.all_tasks() == {asyncio.current_task()}
            gc.collect()  # says what tasks were forgotten

    asyncio.run(main())
    assert complaints == []
