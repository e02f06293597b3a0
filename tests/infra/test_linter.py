"""Checkov, installed by itself: with what it needs it would double the one lock."""

import os
import subprocess
import venv
from pathlib import Path

REQUIREMENTS = "3rdparty/checkov/requirements.txt"


def test_checkov_finds_nothing(tmp_path: Path) -> None:
    # Exceptions are beside the resources, each with its reason.
    venv.create(tmp_path / "checkov", with_pip=True)
    programs = tmp_path / "checkov" / "bin"
    install = ["--quiet", "--no-compile", "--no-deps", "--require-hashes", "-r", REQUIREMENTS]
    subprocess.run([programs / "pip", "install", *install], check=True)
    result = subprocess.run(
        [
            programs / "checkov",
            "--directory=infra",
            "--framework=terraform",
            "--compact",
            "--quiet",
        ],
        capture_output=True,
        text=True,
        # Its own service is not asked for what it would say more.
        env={**os.environ, "CKV_VALIDATE_SECRETS": "false", "BC_SKIP_MAPPING": "TRUE"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
