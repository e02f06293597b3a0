"""Takes what is packaged while the local cloud runs: new functions, new code, changed triggers."""

import asyncio
import time
from collections.abc import Callable, Collection

from local.errors import LocalCloudError
from local.manifest import load_served_manifest
from local.packaged_functions import PackagedFunctions, Triggers

CHECK_SECONDS = 0.2
SETTLE_SECONDS = 2.0  # a zip and its manifest are not written in one step


async def watch(
    packaged: PackagedFunctions, triggers: Triggers, told: Callable[[str, float], None]
) -> None:
    """Makes or changes a function when its manifest is new and its zip is complete.

    Returns never. `told` gets what was done, and in how many seconds. A function whose manifest is
    removed stays until the next start.
    """
    incomplete: dict[str, float] = {}  # since when
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        names = {path.stem for path in packaged.dist.glob("*.json")} | packaged.manifests.keys()
        for name in sorted(names):
            started = time.monotonic()
            try:
                done = await _swap(name, names, packaged, triggers)
                if done is not None:
                    told(f"{name} {done}", time.monotonic() - started)
                incomplete.pop(name, None)
            except LocalCloudError as error:
                seconds = started - incomplete.setdefault(name, started)
                if seconds > SETTLE_SECONDS:
                    told(f"{name} not swapped: {error} Tried", seconds)
                    incomplete[name] = float("inf")  # said once is enough


async def _swap(
    name: str, names: Collection[str], packaged: PackagedFunctions, triggers: Triggers
) -> str | None:
    """What was done, if there was anything to do."""
    before = packaged.manifests.get(name)
    manifest = await asyncio.to_thread(load_served_manifest, name, packaged.dist)
    if manifest is None or manifest == before:
        return None
    await packaged.put(manifest, names)
    if before is None or manifest.trigger != before.trigger:
        await packaged.connect(manifest, triggers)
    return "added" if before is None else "swapped"
