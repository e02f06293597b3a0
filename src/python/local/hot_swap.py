"""Takes what is packaged while the local cloud runs: new environments get the new code."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from local import function_code
from local.asynchronous_invocation import require_destination
from local.errors import LocalCloudError
from local.function import Function
from local.manifest import load_manifest

CHECK_SECONDS = 0.2
SETTLE_SECONDS = 2.0  # a zip and its manifest are not written in one step


async def watch(
    dist: Path, code: Path, functions: Mapping[str, Function], told: Callable[[str, float], None]
) -> None:
    """Changes a function when its manifest in `dist` has changed and its zip is complete.

    Returns never. `told` gets what was done, and in how many seconds. A changed trigger waits for
    the next start, as do new functions.
    """
    incomplete: dict[str, float] = {}  # since when
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        for name, function in functions.items():
            started = time.monotonic()
            try:
                if await _swap(function, functions, dist, code):
                    told(f"{name} swapped", time.monotonic() - started)
                incomplete.pop(name, None)
            except LocalCloudError as error:
                seconds = started - incomplete.setdefault(name, started)
                if seconds > SETTLE_SECONDS:
                    told(f"{name} not swapped: {error} Tried", seconds)
                    incomplete[name] = float("inf")  # said once is enough


async def _swap(
    function: Function, functions: Mapping[str, Function], dist: Path, code: Path
) -> bool:
    manifest = await asyncio.to_thread(load_manifest, function.manifest.name, dist)
    if manifest == function.manifest:
        return False
    require_destination(manifest, functions)
    unpacked = await asyncio.to_thread(function_code.unpack, manifest, dist, code)
    await function.change(manifest, unpacked)
    return True
