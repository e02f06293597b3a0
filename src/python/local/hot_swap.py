"""Takes what is packaged while the local cloud runs: new environments get the new code."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from local import function_code
from local.account import deployed_name
from local.asynchronous_invocation import require_destination
from local.errors import LocalCloudError
from local.function import Function
from local.manifest import Manifest, load_manifest

CHECK_SECONDS = 0.2
SETTLE_SECONDS = 2.0  # a zip and its manifest are not written in one step


async def watch(
    dist: Path,
    state: Path,
    functions: Mapping[str, Function],
    packaged: Mapping[str, Manifest],
    told: Callable[[str, float], None],
) -> None:
    """Changes a function when its manifest in `dist` has changed and its zip is complete.

    Returns never. `told` gets what was done, and in how many seconds. A changed trigger waits for
    the next start, as do new functions.
    """
    manifests = dict(packaged)
    incomplete: dict[str, float] = {}  # since when
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        for name, before in list(manifests.items()):
            started = time.monotonic()
            try:
                manifests[name] = await _swap(before, functions, manifests, dist, state)
                if manifests[name] != before:
                    told(f"{name} swapped", time.monotonic() - started)
                incomplete.pop(name, None)
            except LocalCloudError as error:
                seconds = started - incomplete.setdefault(name, started)
                if seconds > SETTLE_SECONDS:
                    told(f"{name} not swapped: {error} Tried", seconds)
                    incomplete[name] = float("inf")  # said once is enough


async def _swap(
    before: Manifest,
    functions: Mapping[str, Function],
    names: Collection[str],
    dist: Path,
    state: Path,
) -> Manifest:
    manifest = await asyncio.to_thread(load_manifest, before.name, dist)
    if manifest != before:
        require_destination(manifest, names)
        await asyncio.to_thread(function_code.unpack_packaged, manifest, dist, state)
        function = functions[deployed_name(manifest.name)]
        function.take_settings(manifest)
        await function.change(manifest.configuration())
    return manifest
