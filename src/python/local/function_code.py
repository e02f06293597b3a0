"""What an execution environment finds on its disk: the function's code and the runtime client."""

import hashlib
import importlib.metadata
import io
import os
import shutil
import signal
import threading
import zipfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from local.manifest import Manifest, read_zip

# Each with all it needs; AWS has its SDK in the runtime, behind what the zip brings.
RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
SDK = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
_unpacking = threading.Lock()


def directory(state: Path, sha256: str) -> Path:
    """Where the zip with this digest is unpacked."""
    return state / "code" / sha256


def unpack(archive: bytes, state: Path) -> str:
    """Unpacks a zip, read-only, once for each content; returns its SHA-256, hexadecimal.

    Raises zipfile.BadZipFile when it is no zip.
    """
    sha256 = hashlib.sha256(archive).hexdigest()
    target = directory(state, sha256)
    with _unpacking:
        if target.exists():
            return sha256
        unfinished = target.with_name(f"{sha256}.unfinished")
        with zipfile.ZipFile(io.BytesIO(archive)) as zip_file:
            zip_file.extractall(unfinished)
        for path in [unfinished, *unfinished.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        unfinished.rename(target)
    return sha256


def unpack_packaged(manifest: Manifest, dist: Path, state: Path) -> None:
    """Unpacks the zip of a manifest; raises LocalCloudError when it is another one."""
    if not directory(state, manifest.zip.sha256).exists():
        unpack(read_zip(manifest, dist), state)


def remove_all_but(kept: Collection[str], state: Path) -> None:
    """Removes the code with other digests than these, and what was left unfinished."""
    code = state / "code"
    code.mkdir(parents=True, exist_ok=True)
    for unpacked in code.iterdir():
        if unpacked.name not in kept:
            for path in [unpacked, *unpacked.rglob("*")]:
                if path.is_dir():
                    path.chmod(0o755)
            shutil.rmtree(unpacked)


def kill_leftovers(state: Path) -> None:
    """Kills what functions with code in this state have started and not ended.

    A process that took itself out of the session of its environment is not ended with it, and
    nothing is when the local cloud itself was killed.
    """
    mark = f"LAMBDA_TASK_ROOT={state / 'code'}/".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            if mark in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def link_runtime_client(runtime: Path) -> None:
    """Fills `runtime` with links to AWS's runtime interface client and nothing else.

    As the only entry of a function's PYTHONPATH it keeps everything else that is installed here
    out of the function's reach.
    """
    shutil.rmtree(runtime, ignore_errors=True)
    runtime.mkdir(parents=True)
    for distribution in map(importlib.metadata.distribution, (*RUNTIME_CLIENT, *SDK)):
        for top_level in {file.parts[0] for file in distribution.files or []}:
            if top_level not in ("..", "__pycache__") and not top_level.endswith(".dist-info"):
                (runtime / top_level).symlink_to(Path(str(distribution.locate_file(top_level))))
