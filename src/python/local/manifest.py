"""What the local cloud knows about functions: the manifests and zips in `dist/`, no more."""

import hashlib
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from local.account import ENVIRONMENT, deployed_name, role_arn
from local.errors import LocalCloudError
from local.function_configuration import Architecture, FunctionConfiguration

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
MACHINE = MACHINES.get(platform.machine().lower(), platform.machine())
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


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
    tumbling_window: int  # seconds; 0: none
    filters: tuple[str, ...]  # event patterns, of which a record has to match one
    on_failure_queue: str | None
    starting_position: Literal["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]
    starting_position_timestamp: int | None  # seconds since the epoch


type Trigger = HttpTrigger | ScheduleTrigger | StreamTrigger
type Database = Literal[
    "read",
    "write",
    "clear",
    "redrive",
    "retention",
    "counts",
    "accounts",
    "login",
    "web",
    "owner",
]


class Permissions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    writes_to: tuple[str, ...]
    database: Database | None
    reads_from: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    handler: str
    runtime: str
    architecture: Architecture
    zip: Zip
    memory: int  # MB
    timeout: int  # seconds
    reserved_concurrency: int | None  # concurrent executions
    on_failure: str | None  # the name of a function
    trigger: Trigger | None
    permissions: Permissions
    environments: tuple[str, ...] | None

    def configuration(self) -> FunctionConfiguration:
        """What the deployer gives to Lambda for this function."""
        return FunctionConfiguration(
            name=deployed_name(self.name),
            handler=self.handler,
            runtime=self.runtime,
            architecture=self.architecture,
            sha256=self.zip.sha256,
            code_size=self.zip.size,
            memory=self.memory,
            timeout=self.timeout,
            variables={"ENVIRONMENT": ENVIRONMENT},
            role=role_arn(deployed_name(self.name)),
        )


def load_manifests(dist: Path) -> list[Manifest]:
    """The functions in `dist` that may exist locally, ordered by name.

    Raises LocalCloudError when one can't run on this machine.
    """
    names = sorted(path.stem for path in dist.glob("*.json"))
    manifests = [load_served_manifest(name, dist) for name in names]
    served = [manifest for manifest in manifests if manifest is not None]
    for manifest in served:
        _require_runnable(manifest, dist)
    return served


def load_served_manifest(name: str, dist: Path) -> Manifest | None:
    """The manifest of one function; None when it may not exist locally.

    Raises LocalCloudError when it is missing or no manifest.
    """
    path = dist / f"{name}.json"
    if not path.exists():
        raise LocalCloudError(f"{path} is missing: run `./pants package ::`.")
    manifest = _load(path)
    may_exist = manifest.environments is None or ENVIRONMENT in manifest.environments
    return manifest if may_exist else None


def read_zip(manifest: Manifest, dist: Path) -> bytes:
    """The function's zip; raises LocalCloudError unless it is the one the manifest describes."""
    archive = dist / manifest.zip.file
    if not archive.exists():
        raise LocalCloudError(f"{archive} is missing: run `./pants package ::`.")
    content = archive.read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest.zip.sha256:
        raise LocalCloudError(
            f"{archive} is not the zip its manifest describes: run `./pants package ::`."
        )
    return content


def streams_of(manifests: Sequence[Manifest]) -> list[str]:
    """The streams that functions read or write, as the manifests name them."""
    read = {m.trigger.stream for m in manifests if isinstance(m.trigger, StreamTrigger)}
    permitted = {
        stream for m in manifests for stream in m.permissions.writes_to + m.permissions.reads_from
    }
    return sorted(read | permitted)


def queues_of(manifests: Sequence[Manifest]) -> list[str]:
    """The queues that event source mappings send to, as the manifests name them."""
    streams = [m.trigger for m in manifests if isinstance(m.trigger, StreamTrigger)]
    return sorted({s.on_failure_queue for s in streams if s.on_failure_queue is not None})


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
    read_zip(manifest, dist)
    archive = dist / manifest.zip.file
    if sys.platform != "linux":
        raise LocalCloudError("The zips hold Linux binaries: run the local cloud on Linux.")
    if manifest.architecture != MACHINE:
        raise LocalCloudError(
            f"{archive} is for {manifest.architecture}, but this machine is {MACHINE}: run "
            f"`./pants --aws-lambda-function-architecture={MACHINE} package ::`."
        )
    if manifest.runtime != PYTHON:
        raise LocalCloudError(
            f"{archive} is for {manifest.runtime}, but the local cloud runs on {PYTHON}."
        )
