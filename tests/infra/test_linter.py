"""Checkov, installed by itself: with what it needs it would double the one lock."""

import json
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
    report = subprocess.run(
        [programs / "checkov", "--directory=infra", "--framework=terraform", "--output=json"],
        stdout=subprocess.PIPE,
        # Its own service is not asked for what it would say more.
        env={**os.environ, "BC_SKIP_MAPPING": "TRUE"},
    )
    found = json.loads(report.stdout)
    assert found["summary"]["passed"] > 0
    failed = found["results"]["failed_checks"]
    assert [(check["check_id"], check["resource"], check["check_name"]) for check in failed] == []
