"""The local cloud as its users have it: a program that runs the packaged functions."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import extensions

from bench.rows import CannotRun

START_SECONDS = 120
STORE_SECONDS = 120


@dataclass(frozen=True)
class LocalCloud:
    """Its addresses, and libpq's environment variables of its database, as superuser."""

    url: str
    api_key: str
    kinesis: str
    database: dict[str, str]

    def connect(self) -> extensions.connection:
        given = self.database
        return psycopg2.connect(
            host=given["PGHOST"],
            port=given["PGPORT"],
            user=given["PGUSER"],
            password=given["PGPASSWORD"],
            dbname=given["PGDATABASE"],
        )


@contextmanager
def running(functions: Path) -> Iterator[LocalCloud]:
    """Runs the functions with throw-away state."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # Postgres runs as another user
        dist, state, log = directory / "dist", directory / "state", directory / "log"
        shutil.copytree(functions, dist)
        command = [sys.executable, "-m", "local.serve", "--json", "--port", "0"]
        command += ["--dist", str(dist), "--state", str(state)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
        with (
            log.open("w") as file,
            subprocess.Popen(command, env=environment, stdout=file) as serve,
        ):
            try:
                yield _ready(serve, log, state)
            finally:
                serve.terminate()


def wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Looks again and again; raises CannotRun when it takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CannotRun(f"{what} took longer than {seconds:.0f} s")
        time.sleep(0.05)  # looking costs the measured its processor


def wait_until_stored(connection: extensions.connection, count: int) -> None:
    """Waits for so many rows of the table logs."""

    def stored() -> bool:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM logs")
            (rows,) = cursor.fetchone() or (0,)
            return bool(rows >= count)

    wait_for(stored, f"Storing {count} events", STORE_SECONDS)


def _ready(serve: subprocess.Popen[bytes], log: Path, state: Path) -> LocalCloud:
    lines: list[dict[str, str]] = []

    def is_ready() -> bool:
        if serve.poll() is not None:
            raise CannotRun("The local cloud did not start")
        entries = [
            json.loads(line)
            for line in log.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]
        lines[:] = [entry for entry in entries if "api_key" in entry]
        return bool(lines)

    wait_for(is_ready, "The start of the local cloud", START_SECONDS)
    port = (state / "postgres" / "postmaster.pid").read_text().splitlines()[3]
    database = {
        "PGHOST": "127.0.0.1",
        "PGPORT": port,
        "PGUSER": "postgres",
        "PGPASSWORD": (state / "postgres_password").read_text(),
        "PGDATABASE": "postgres",
    }
    return LocalCloud(lines[0]["url"], lines[0]["api_key"], lines[0]["kinesis"], database)
