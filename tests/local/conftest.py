"""Small functions, packaged as the build does it, and a local cloud for them."""

import asyncio
import hashlib
import json
import platform
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud, running_cloud
from tests.local.streams import Sink

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., None]:
    """Writes the zip and manifest of a function with this source to tmp_path/dist."""

    def write(name: str, source: str, **fields: Any) -> None:
        archive = tmp_path / "dist" / f"{name}.zip"
        archive.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(archive, "w") as zip_file:
            zip_file.writestr(f"{name.replace('.', '/')}/handler.py", source)
        content = archive.read_bytes()
        manifest = {
            "name": name,
            "handler": f"{name}.handler.handler",
            "runtime": "python3.13",
            "architecture": ARCHITECTURES[platform.machine()],
            "zip": {
                "file": archive.name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "unpacked_size": len(source),
            },
            "memory": 128,
            "timeout": 10,
            "reserved_concurrency": None,
            "on_failure": None,
            "trigger": None,
            "permissions": {"writes_to": [], "database": None},
            "environments": None,
            **fields,
        }
        archive.with_suffix(".json").write_text(json.dumps(manifest))

    return write


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    """Runs an async test with a local cloud of all that was packaged."""

    def run_with_cloud(test: Callable[[Cloud], Awaitable[None]]) -> None:
        async def main() -> None:
            dist, state = tmp_path / "dist", tmp_path / "state"
            async with running_cloud(dist, state, 0, lambda what, seconds: None) as cloud:
                await test(cloud)

        asyncio.run(main())

    return run_with_cloud


@pytest.fixture
def sink(package: Callable[..., None], tmp_path: Path) -> Sink:
    return Sink(package, tmp_path)
