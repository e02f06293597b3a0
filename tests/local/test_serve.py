"""The program as a person runs it: in a process of its own, ended by signals."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.account import lambda_client
from tests.local.streams import TRIGGER

type Package = Callable[..., None]


@pytest.fixture
def everything(package: Package) -> None:
    """Functions that need all parts: a process of each kind is then running.

    One has started a program of its own, out of reach of signals to its group.
    """
    package(
        "consumers.migrate",
        "import subprocess\n"
        "def handler(event, context):\n"
        "    subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "    return {}",
    )
    package(
        "tests.sink",
        "def handler(event, context): pass",
        trigger=TRIGGER,
        permissions={"writes_to": [], "database": "write"},
    )


def temporary_of(tmp_path: Path) -> Path:
    """What is /tmp for a program that runs in `tmp_path`."""
    temporary = tmp_path / "temporary"
    temporary.mkdir(exist_ok=True)
    return temporary


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.serve", "--port", "0", *arguments],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path),
            "TMPDIR": str(temporary_of(tmp_path)),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(tmp_path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """Runs the program; yields its process and what it says when it is ready."""
    with start(tmp_path, "--json", *arguments) as process:
        try:
            assert process.stdout is not None
            events = map(json.loads, process.stdout)
            yield process, next(event for event in events if event["event"] == "ready")
        finally:
            process.kill()


def processes_in(directory: Path) -> dict[int, str]:
    """The processes that work in `directory`: their ids and command lines."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(directory):
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it has ended, or is another user's
    return found


def mapped_shared_memory(pids: Iterable[int]) -> set[str]:
    """Files of POSIX shared memory and ids of System V's that processes have mapped."""
    mappings = [
        line.split(maxsplit=5)
        for pid in pids
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines()
    ]
    named = [(fields[4], fields[5]) for fields in mappings if len(fields) == 6]
    return {
        inode if name.startswith("/SYSV") else name
        for inode, name in named
        if name.startswith(("/SYSV", "/dev/shm/"))
    }


def existing_shared_memory() -> set[str]:
    segments = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {str(path) for path in Path("/dev/shm").iterdir()} | {s.split()[1] for s in segments}


def left_in(tmp_path: Path) -> list[Path]:
    """The temporary files of the program and of its execution environments."""
    return [*temporary_of(tmp_path).iterdir(), *(tmp_path / ".local" / "tmp").iterdir()]


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_it(
    everything: None, tmp_path: Path, stop_signal: signal.Signals
) -> None:
    with serving(tmp_path) as (process, ready):
        processes = processes_in(tmp_path)
        running = " ".join(processes.values())
        for part in ("local.serve", "postgres -D", "kinesis_server", "awslambdaric", "sleep 1000"):
            assert part in running
        memory = mapped_shared_memory(processes)
        assert memory & existing_shared_memory()
        assert left_in(tmp_path)
        while process.poll() is None:  # more than once, as a terminal and `pants run` may both do
            process.send_signal(stop_signal)
            time.sleep(0.02)
        assert process.returncode == 0
        assert processes_in(tmp_path) == {}
        assert not memory & existing_shared_memory()
        assert left_in(tmp_path) == []
        port = int(ready["url"].rpartition(":")[2])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_a_kill_ends_all_but_what_functions_started_which_the_next_start_ends(
    everything: None, tmp_path: Path
) -> None:
    with serving(tmp_path) as (process, _):
        memory = mapped_shared_memory(processes_in(tmp_path))
        assert memory & existing_shared_memory()
        process.kill()
        deadline = time.monotonic() + 10
        while len(processes_in(tmp_path)) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        left = processes_in(tmp_path)
        assert list(left.values()) == ["sleep 1000 "]
    assert not memory & existing_shared_memory()
    abandoned = left_in(tmp_path)
    assert abandoned
    with serving(tmp_path) as (process, _):
        assert not left.keys() & processes_in(tmp_path).keys()
        assert not set(abandoned) & set(left_in(tmp_path))
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert processes_in(tmp_path) == {}
    assert left_in(tmp_path) == []


def test_a_signal_while_it_starts(everything: None, tmp_path: Path) -> None:
    with start(tmp_path, "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "progress"
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert processes_in(tmp_path) == {}


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("kinesis_server", "The emulator of Kinesis has ended"),
        ("postgres -D", "Postgres has ended: "),
    ],
)
def test_the_end_of_a_backend_is_the_end_of_all(
    everything: None, tmp_path: Path, program: str, sentence: str
) -> None:
    with serving(tmp_path) as (process, _):
        (backend,) = (pid for pid, line in processes_in(tmp_path).items() if program in line)
        os.kill(backend, signal.SIGKILL)
        _, error = process.communicate(timeout=15)
        assert process.returncode == 1
        assert error.startswith(sentence)
        assert "Traceback" not in error


def test_the_key_stays_the_same_and_to_its_owner(package: Package, tmp_path: Path) -> None:
    package("tests.one", "")
    keys = []
    for _ in range(2):
        with serving(tmp_path) as (_, ready):
            keys.append(ready["api_key"])
    path = tmp_path / ".local" / "api_key"
    assert keys == [path.read_text()] * 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_packaged_functions_are_published_first(package: Package, tmp_path: Path) -> None:
    package("tests.one", "")
    (tmp_path / "dist").rename(tmp_path / "packaged")
    with serving(tmp_path, "--packaged", "packaged"):
        assert (tmp_path / "dist" / "tests.one.json").exists()


def test_one_sentence_says_what_keeps_it_from_starting(package: Package, tmp_path: Path) -> None:
    def sentence(*arguments: str) -> str:
        with start(tmp_path, *arguments) as process:
            out, error = process.communicate(timeout=20)
            assert (process.returncode, out) == (1, "")
            return error

    assert sentence() == "There is no function in dist: run `./pants package ::` first.\n"
    package("tests.one", "")
    with serving(tmp_path, "--state", "first") as (_, ready):
        assert sentence("--state", "first").startswith(
            f"Another local cloud uses {tmp_path / 'first'}: "
        )
        port = ready["url"].rpartition(":")[2]
        assert sentence("--port", port).startswith(f"Port {port} can't be used (Address already")


def test_one_function_is_followed(package: Package, tmp_path: Path) -> None:
    package("tests.one", "def handler(event, context): print('said', event)")
    with serving(tmp_path, "--follow", "tests.one") as (process, ready):
        lambda_client(ready["url"]).invoke(FunctionName="local-tests-one", Payload="7")
        assert process.stdout is not None
        events = map(json.loads, process.stdout)
        lines = (event["line"] for event in events if event["event"] == "log")
        assert next(line for line in lines if not line.startswith("START")) == "said 7"
    with start(tmp_path, "--follow", "tests.two") as process:
        _, error = process.communicate(timeout=20)
    assert process.returncode == 1
    assert error == "There is no function tests.two to follow: choose of tests.one.\n"


def test_without_a_terminal_it_prints_plain_lines(package: Package, tmp_path: Path) -> None:
    package("tests.one", "", trigger={"type": "http", "routes": ["POST /errors"]})
    with start(tmp_path) as process:
        assert process.stdout is not None
        lines = list(itertools.islice(process.stdout, 5))
        process.terminate()
    assert lines[0].startswith("1 functions unpacked in ")
    assert lines[1].startswith("Kinesis started in ")
    assert lines[2].startswith("Ready at http://127.0.0.1:")
    assert lines[4].startswith("Try: curl http://127.0.0.1:")
