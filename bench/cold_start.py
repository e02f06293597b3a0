"""Cold starts: from the start of the interpreter to the handler ready, with its client made."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import peers
from bench.rows import CannotRun, Goal, Row, Say, alternate
from bench.zips import OURS

REPETITIONS = 15
REPETITIONS_OF_OTHERS = 5
GOALS = {"producer": Goal("most", 1 / 4), "sink": Goal("most", 1 / 2)}
EMPTY_HANDLER = "def handler(event, context):\n    return None\n"

# What Lambda sets, and what our handlers need to load. Nothing is connected to.
ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
    "AWS_SESSION_TOKEN": "any",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "ENVIRONMENT": "bench",
    "API_KEY_SHA256": hashlib.sha256(b"key").hexdigest(),
    "PGHOST": "localhost",
    "PGUSER": "sluice_write",
    "PGDATABASE": "sluice",
}


def rows(functions: Path, say: Say) -> Iterator[Row]:
    """Our cold starts against each peer's and against an empty handler's."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        empty = directory / "empty"
        empty.mkdir()
        (empty / "app.py").write_text(EMPTY_HANDLER)
        for function in peers.FUNCTIONS:
            subjects = {"ours": _subject(functions / f"{OURS[function]}.zip", directory)}
            subjects["an empty handler"] = lambda: milliseconds_to_load("app", empty)
            missing = {}
            for peer in (peers.SAM, peers.CHALICE, peers.OSLS, peers.UV):
                against = f"{peer.name}'s zip"
                try:
                    subjects[against] = _subject(peers.zips(peer, say)[function], directory)
                except CannotRun as reason:
                    missing[against] = str(reason)
            say(f"Starting each {function} {REPETITIONS} times, in turns")
            samples = alternate(subjects, REPETITIONS)
            for against in [*subjects, *missing]:
                if against == "ours":
                    continue
                goal = GOALS[function] if against.startswith(peers.SAM.name) else None
                if function == "sink" and against == "an empty handler":
                    goal = Goal("most", 2.5)
                yield Row(
                    what=f"cold start, {function}",
                    against=against,
                    unit="ms",
                    ours=samples["ours"],
                    theirs=samples.get(against, []),
                    goal=goal,
                    note=missing.get(against, ""),
                )
        yield from _others(functions, directory, empty, say)


def _others(functions: Path, directory: Path, empty: Path, say: Say) -> Iterator[Row]:
    """The cold starts of the functions that no peer has, against an empty handler's."""
    names = sorted({zip_file.stem for zip_file in functions.glob("*.zip")} - set(OURS.values()))
    subjects = {name: _subject(functions / f"{name}.zip", directory) for name in names}
    subjects["an empty handler"] = lambda: milliseconds_to_load("app", empty)
    say(f"Starting each other function {REPETITIONS_OF_OTHERS} times, in turns")
    samples = alternate(subjects, REPETITIONS_OF_OTHERS)
    theirs = samples["an empty handler"]
    for name in names:
        yield Row(f"cold start, {name}", "an empty handler", "ms", samples[name], theirs)


def _subject(zip_file: Path, directory: Path) -> Callable[[], float]:
    unpacked = directory / hashlib.sha256(str(zip_file).encode()).hexdigest()[:16]
    with zipfile.ZipFile(zip_file) as archive:
        archive.extractall(unpacked)
    # As /var/task is, also for root: without this, the first start would leave bytecode behind.
    for folder, _, _ in os.walk(unpacked):
        Path(folder).chmod(0o555)
    handler = f"{zip_file.stem}.handler" if "." in zip_file.stem else "app"
    return lambda: milliseconds_to_load(handler, unpacked)


def milliseconds_to_load(module: str, directory: Path) -> float:
    """From the start of an interpreter without site-packages to the module's handler ready."""
    load = f"import sys; sys.path.insert(0, {str(directory)!r}); import {module}"
    program = f"{load}; print('ready', flush=True)"
    interpreter = Path(sys.base_prefix, "bin", "python3.13")
    command = [str(interpreter), "-I", "-S", "-B", "-c", program]
    started = time.perf_counter()
    with subprocess.Popen(
        command, env=ENVIRONMENT, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        elapsed = time.perf_counter() - started
        _, errors = process.communicate()
    if process.returncode:
        lines = errors.strip().splitlines()
        raise CannotRun(f"{module} does not load: {lines[-1] if lines else process.returncode}")
    return elapsed * 1000
