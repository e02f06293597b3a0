"""Repositories of the test's own, with all that this one has but functions."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

BUILD_SYSTEM = [
    "pants",
    "pants.toml",
    ".pants.bootstrap",
    "BUILD",
    "3rdparty",
    "pants-plugins",
    "src/python/local",
]


class Repository:
    """A repository in a directory, and its ./pants."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        for name in BUILD_SYSTEM:
            copy = shutil.copytree if Path(name).is_dir() else shutil.copy2
            copy(name, directory / name)

    def write(self, path: str, content: str) -> None:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(content))

    def start_pants(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["./pants", *arguments],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pants(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start_pants(*arguments)
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def stop_pantsd(self) -> None:
        for pid in self.directory.glob(".pids/*/pantsd/pid"):
            os.kill(int(pid.read_text()), signal.SIGKILL)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """A repository without functions, in a directory whose name has a space."""
    repository = Repository(tmp_path_factory.mktemp("repository") / "a repository")
    yield repository
    repository.stop_pantsd()
