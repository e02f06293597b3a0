"""Rules of "Understanding the Lambda execution environment lifecycle" (failures in the init and
invoke phases), "Lambda quotas" and "Handle Python function errors" in the Lambda developer guide.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from local import execution_environment, runtime_process
from local.cloud import Cloud
from tests.local.conftest import invoke, result_of

type Package = Callable[..., None]
type Run = Callable[..., None]

MEGABYTE = 1024 * 1024


def log_of(tmp_path: Path) -> str:
    """All that the function's environments have logged."""
    logs = (tmp_path / "state" / "logs" / "tests.one").glob("*.log")
    return "".join(log.read_text() for log in logs)


def test_an_exception_is_the_answer_and_the_environment_lives_on(
    package: Package, run: Run
) -> None:
    package("tests.one", "def handler(e, c): return 1 / e")

    async def test(cloud: Cloud) -> None:
        error = await invoke(cloud, 0)
        assert (error["errorType"], error["errorMessage"]) == (
            "ZeroDivisionError",
            "division by zero",
        )
        assert await invoke(cloud, 1) == 1
        function = cloud.functions["local-tests-one"]
        assert (function.cold_starts, function.errors) == (1, 1)

    run(test)


def test_a_timeout_kills_the_environment(package: Package, run: Run) -> None:
    package("tests.one", "import time\ndef handler(e, c): time.sleep(e); return 'done'", timeout=1)

    async def test(cloud: Cloud) -> None:
        result = await result_of(cloud, 60)
        error = json.loads(result.payload)
        assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
        assert b"\tStatus: timeout" in result.log
        assert await invoke(cloud, 0) == "done"
        assert cloud.functions["local-tests-one"].cold_starts == 2

    run(test)


@pytest.mark.parametrize(
    ("crash", "reason"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("sys.exit(4)", "Runtime exited with error: exit status 4"),
        ("sys.exit()", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_crash_is_reported_and_the_next_invocation_gets_a_new_environment(
    package: Package, run: Run, crash: str, reason: str
) -> None:
    package("tests.one", f"import os, sys\ndef handler(e, c): return {crash} if e else 'alive'")

    async def test(cloud: Cloud) -> None:
        result = await result_of(cloud, 1)
        error = json.loads(result.payload)
        assert error["errorType"] == "Runtime.ExitError"
        assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {reason}", error["errorMessage"])
        assert b"Status: error\tError Type: Runtime.ExitError" in result.log
        assert await invoke(cloud, 0) == "alive"

    run(test)


def test_an_import_error_in_init_is_the_answer(package: Package, run: Run) -> None:
    package("tests.one", "import boto3")  # it is in nobody's zip here, but installed for us

    async def test(cloud: Cloud) -> None:
        error = await invoke(cloud, {})
        assert error["errorType"] == "Runtime.ImportModuleError"
        assert "No module named 'boto3'" in error["errorMessage"]

    run(test)


def test_an_exit_in_init_is_the_answer_after_a_second_try(
    package: Package, run: Run, tmp_path: Path
) -> None:
    package("tests.one", "print('trying')\nraise SystemExit(4)")

    async def test(cloud: Cloud) -> None:
        error = await invoke(cloud, {})
        assert error["errorMessage"].endswith("exit status 4")
        assert log_of(tmp_path).count("trying") == 2
        assert "Phase: init\tStatus: error\tError Type: Runtime.ExitError" in log_of(tmp_path)

    run(test)


def test_an_init_over_its_limit_is_tried_again_within_the_function_timeout(
    package: Package, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(execution_environment, "INIT_SECONDS", 0.5)  # not 10: nobody waits for it
    mark = tmp_path / "tried"
    package(
        "tests.one",
        "import pathlib, time\n"
        f"mark = pathlib.Path({str(mark)!r})\n"
        "if not mark.exists(): mark.touch(); time.sleep(60)\n"
        "def handler(event, context): return 'initialized'",
    )

    async def test(cloud: Cloud) -> None:
        assert await invoke(cloud, {}) == "initialized"
        assert "Phase: init\tStatus: timeout" in log_of(tmp_path)

    run(test)


def test_the_init_limit_is_10_seconds() -> None:
    assert execution_environment.INIT_SECONDS == 10


def test_an_init_without_end_is_ended_by_the_function_timeout(
    package: Package, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_environment, "INIT_SECONDS", 0.1)
    package("tests.one", "while True: pass", timeout=1)

    async def test(cloud: Cloud) -> None:
        error = await invoke(cloud, {})
        assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")

    run(test)


@pytest.mark.parametrize(
    ("afterwards", "check_seconds"),
    [("time.sleep(60)", runtime_process.MEMORY_CHECK_SECONDS), ("data.clear()", 60)],
    ids=["while it runs", "even if it was free again before anybody looked"],
)
def test_who_takes_more_than_the_memory_is_killed(
    package: Package,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    afterwards: str,
    check_seconds: float,
) -> None:
    monkeypatch.setattr(runtime_process, "MEMORY_CHECK_SECONDS", check_seconds)
    package(
        "tests.one",
        "import time\n"
        f"def handler(event, context): data = bytearray(event * {MEGABYTE}); {afterwards}",
        memory=128,
    )

    async def test(cloud: Cloud) -> None:
        result = await result_of(cloud, 256)
        error = json.loads(result.payload)
        assert error["errorType"] == "Runtime.ExitError"
        assert error["errorMessage"].endswith("Runtime exited with error: signal: killed")
        assert b"Memory Size: 128 MB\tMax Memory Used: 128 MB" in result.log

    run(test)


def test_a_response_over_6_mb_is_an_error(package: Package, run: Run) -> None:
    package("tests.one", "def handler(event, context): return 'x' * event")

    async def test(cloud: Cloud) -> None:
        assert len(await invoke(cloud, 6 * MEGABYTE - 2)) == 6 * MEGABYTE - 2
        error = await invoke(cloud, 6 * MEGABYTE + 100)
        assert error["errorType"] == "Function.ResponseSizeTooLarge"
        assert "exceeded maximum allowed payload size (6291556 bytes)" in error["errorMessage"]

    run(test)
