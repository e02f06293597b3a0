"""What the local cloud knows about functions: the manifests and zips in `dist/`, no more."""

import hashlib
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from local.account import ENVIRONMENT
from local.errors import LocalCloudError

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class Zip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    sha256: str
    size: int  # bytes
    unpacked_size: int  # bytes


class HttpTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="http"):
    routes: tuple[str, ...]  # API Gateway route keys, e.g. "POST /errors"


class ScheduleTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="schedule"):
    expression: str  # EventBridge's, e.g. "rate(1 day)"


class StreamTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="stream"):
    """An event source mapping; the fields are those of Lambda's CreateEventSourceMapping."""

    stream: str
    batch_size: int
    batching_window: int  # seconds
    parallelization_factor: int
    maximum_retry_attempts: int
    maximum_record_age: int  # seconds
    bisect_on_error: bool
    starting_position: Literal["TRIM_HORIZON", "LATEST"]


type Database = Literal["read", "write", "clear", "redrive", "retention", "owner"]


class Permissions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    writes_to: tuple[str, ...]
    database: Database | None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    handler: str
    runtime: str
    architecture: Literal["x86_64", "arm64"]
    zip: Zip
    memory: int  # MB
    timeout: int  # seconds
    trigger: HttpTrigger | ScheduleTrigger | StreamTrigger | None
    permissions: Permissions
    environments: tuple[str, ...] | None


def load_manifests(dist: Path) -> list[Manifest]:
    """The functions in `dist` that may exist locally, ordered by name.

    Raises LocalCloudError when there is none, or when one can't run on this machine.
    """
    manifests = [_load(path) for path in sorted(dist.glob("*.json"))]
    served = [m for m in manifests if m.environments is None or ENVIRONMENT in m.environments]
    if not served:
        raise LocalCloudError(f"There is no function in {dist}: run `./pants package ::` first.")
    for manifest in served:
        _require_runnable(manifest, dist)
    return served


def streams_of(manifests: Sequence[Manifest]) -> list[str]:
    """The streams that functions read or write, as the manifests name them."""
    read = {m.trigger.stream for m in manifests if isinstance(m.trigger, StreamTrigger)}
    written = {stream for m in manifests for stream in m.permissions.writes_to}
    return sorted(read | written)


def publish(packaged: Path, dist: Path) -> None:
    """Brings what was packaged into `dist`, a zip before its manifest, each file in one step.

    A file that is already the same is left alone: whoever watches `dist` sees changes only.
    """
    dist.mkdir(parents=True, exist_ok=True)
    for suffix in ("zip", "json"):
        for source in sorted(packaged.glob(f"*.{suffix}")):
            target = dist / source.name
            if target.exists() and target.read_bytes() == source.read_bytes():
                continue
            unfinished = target.with_name(target.name + ".unfinished")
            shutil.copyfile(source, unfinished)
            unfinished.replace(target)


def _load(path: Path) -> Manifest:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise LocalCloudError(
            f"{path} is no manifest this local cloud can read ({error}): "
            "remove it, then run `./pants package ::`."
        ) from error


def _require_runnable(manifest: Manifest, dist: Path) -> None:
    archive = dist / manifest.zip.file
    if not archive.exists():
        raise LocalCloudError(f"{archive} is missing: run `./pants package ::`.")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != manifest.zip.sha256:
        raise LocalCloudError(
            f"{archive} is not the zip its manifest describes: run `./pants package ::`."
        )
    if sys.platform != "linux":
        raise LocalCloudError("The zips hold Linux binaries: run the local cloud on Linux.")
    machine = MACHINES.get(platform.machine().lower(), platform.machine())
    if manifest.architecture != machine:
        raise LocalCloudError(
            f"{archive} is for {manifest.architecture}, but this machine is {machine}: run "
            f"`./pants --aws-lambda-function-architecture={machine} package ::`."
        )
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if manifest.runtime != python:
        raise LocalCloudError(
            f"{archive} is for {manifest.runtime}, but the local cloud runs on {python}."
        )
