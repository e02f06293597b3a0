"""Builds: how long until the zips are there again, with nothing changed and after a change."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import peers
from bench.rows import CannotRun, Goal, Row, Say, alternate

REPETITIONS = 5
HANDLER = Path("src/python/producers/error_event/handler.py")
SHARED = Path("src/python/shared/errors.py")
GOALS = {"no-change build": Goal("most", 1 / 3), "one line changed": Goal("most", 1 / 2)}


def rows(functions: Path, say: Say) -> Iterator[Row]:
    """All our functions against each peer's two, each in a copy of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, _copy(Path(name) / "ours") as ours:

        def package() -> None:
            _pants(ours, "package", "::")

        subjects = {
            "ours: no-change build": _seconds(package),
            "ours: one line changed": _seconds(package, ours / HANDLER),
            "ours: shared changed": _seconds(package, ours / SHARED),
        }
        missing = {}
        for peer in peers.ALL:
            try:
                project = Path(name) / peer.name.replace(" ", "-")
                build = _project(peer, project, say)
            except CannotRun as reason:
                missing[peer.name] = str(reason)
                continue
            source = Path(
                name, peer.name.replace(" ", "-"), peer.sources.format(function="producer")
            )
            subjects[f"{peer.name}: no-change build"] = _seconds(build)
            subjects[f"{peer.name}: one line changed"] = _seconds(build, source / "app.py")
        say(f"Building each {REPETITIONS} times, in turns")
        samples = alternate(subjects, REPETITIONS)
    for peer in peers.ALL:
        for what, theirs in (
            ("no-change build", "no-change build"),
            ("one line changed", "one line changed"),
            ("shared changed", "one line changed"),
        ):
            yield Row(
                what=f"{what}, all functions",
                against=f"{' '.join(peer.build)} of two ({peer.name}), {theirs}",
                unit="s",
                ours=samples[f"ours: {what}"],
                theirs=samples.get(f"{peer.name}: {theirs}", []),
                goal=GOALS.get(what) if peer is peers.SAM else None,
                note=missing.get(peer.name, ""),
            )


def _project(peer: peers.Peer, directory: Path, say: Say) -> Callable[[], None]:
    tool = peer.install(say)
    peer.lay_out(directory)
    return lambda: peer.run(peer.build, directory, tool)


def _seconds(build: Callable[[], None], changed: Path | None = None) -> Callable[[], float]:
    """Measures a build, before which a line is appended to the changed file."""

    def measure() -> float:
        if changed is not None:
            with changed.open("a") as file:
                file.write(f"# {time.time_ns()}\n")
        started = time.perf_counter()
        build()
        return time.perf_counter() - started

    return measure


@contextmanager
def _copy(directory: Path) -> Iterator[Path]:
    """A copy of the repository's files, whose pantsd ends with it."""
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if Path(name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, directory / name)
    try:
        yield directory
    finally:
        for pid in directory.glob(".pids/*/pantsd/pid"):
            os.kill(int(pid.read_text()), signal.SIGTERM)


def _pants(directory: Path, *arguments: str) -> None:
    process = subprocess.run(["./pants", *arguments], cwd=directory, capture_output=True, text=True)
    if process.returncode:
        lines = process.stderr.strip().splitlines()
        raise CannotRun(f"./pants {' '.join(arguments)}: {lines[-1] if lines else ''}")
