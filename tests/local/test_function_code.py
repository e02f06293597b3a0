import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local.function_code import link_runtime_client, remove_all_but, unpack_packaged
from local.manifest import load_manifests


def test_code_is_unpacked_read_only_and_removed_when_it_has_changed(
    package: Callable[..., None], tmp_path: Path
) -> None:
    dist, state = tmp_path / "dist", tmp_path / "state"
    for source in ("old = 1", "new = 1"):
        package("tests.one", source)
        (manifest,) = load_manifests(dist)
        remove_all_but([manifest.zip.sha256], state)
        unpack_packaged(manifest, dist, state)
    (unpacked,) = (state / "code").iterdir()
    handler = unpacked / "tests" / "one" / "handler.py"
    assert handler.read_text() == "new = 1"
    assert not any(path.stat().st_mode & 0o222 for path in unpacked.rglob("*"))


def test_the_runtime_client_is_importable_and_nothing_else_that_is_installed(
    tmp_path: Path,
) -> None:
    runtime = tmp_path / "runtime"
    for _ in range(2):  # what was there before is replaced
        link_runtime_client(runtime)

    def can_import(module: str) -> bool:
        command = [os.path.realpath(sys.executable), "-S", "-c", f"import {module}"]
        variables = {"PYTHONPATH": str(runtime)}
        run = subprocess.run(command, env=variables, stderr=subprocess.DEVNULL, check=False)
        return run.returncode == 0

    assert can_import("awslambdaric.bootstrap")
    assert not can_import("pytest")
    assert not can_import("local")
