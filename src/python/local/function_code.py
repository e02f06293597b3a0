"""What an execution environment finds on its disk: the function's code and the runtime client."""

import importlib.metadata
import io
import os
import shutil
import signal
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from local.manifest import Manifest, read_zip

RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")  # with all it needs


def unpack(manifest: Manifest, dist: Path, code: Path) -> Path:
    """The function's zip unpacked under `code`, read-only, once for each content it ever has.

    Raises LocalCloudError when the zip is not the one that the manifest describes.
    """
    directory = code / manifest.zip.sha256
    if not directory.exists():
        unfinished = code / f"{manifest.zip.sha256}.unfinished"
        with zipfile.ZipFile(io.BytesIO(read_zip(manifest, dist))) as archive:
            archive.extractall(unfinished)
        unfinished.rename(directory)
        for path in [directory, *directory.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
    return directory


def remove_all_but(manifests: Sequence[Manifest], code: Path) -> None:
    """Removes the code that none of the functions has any more, and what was left unfinished."""
    code.mkdir(parents=True, exist_ok=True)
    kept = {manifest.zip.sha256 for manifest in manifests}
    for directory in code.iterdir():
        if directory.name not in kept:
            for path in [directory, *directory.rglob("*")]:
                if path.is_dir():
                    path.chmod(0o755)
            shutil.rmtree(directory)


def kill_leftovers(code: Path) -> None:
    """Kills what functions with code in this directory have started and not ended.

    A process that took itself out of the session of its environment is not ended with it, and
    nothing is when the local cloud itself was killed.
    """
    mark = f"LAMBDA_TASK_ROOT={code}/".encode()
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
    for distribution in map(importlib.metadata.distribution, RUNTIME_CLIENT):
        for top_level in {file.parts[0] for file in distribution.files or []}:
            if top_level not in ("..", "__pycache__") and not top_level.endswith(".dist-info"):
                (runtime / top_level).symlink_to(Path(str(distribution.locate_file(top_level))))
