"""Rules of "Understanding the Lambda execution environment lifecycle" (failures in the init and
invoke phases), "Lambda quotas" and "Handle Python function errors" in the Lambda developer guide.

The tests that `deploy` also run against AWS: see docs/local-cloud.md.
"""

import asyncio
import base64
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from local import execution_environment, runtime_process
from local.cloud import Cloud
from local.invocation import Invocation
from tests.fixtures import execution_environments
from tests.local.accounts import Deploy
from tests.local.conftest import invoke
from tests.local.streams import until
from tests.local.test_execution_environment import log_of

type Package = Callable[..., None]
type Run = Callable[..., None]

MEGABYTE = 1024 * 1024
# Each environment has another.
ENVIRONMENT = "import os, sys, time, uuid\nenvironment = str(uuid.uuid4())\n"


def test_an_exception_is_the_answer_and_the_environment_lives_on(deploy: Deploy) -> None:
    function = deploy(f"{ENVIRONMENT}def handler(event, context): 1 / event; return environment")
    before = function.invoke(1)["Payload"]
    error = function.invoke(0)["Payload"]
    assert (error["errorType"], error["errorMessage"]) == ("ZeroDivisionError", "division by zero")
    assert function.invoke(1)["Payload"] == before


def test_a_timeout_kills_the_environment(deploy: Deploy) -> None:
    function = deploy(
        f"{ENVIRONMENT}def handler(event, context): time.sleep(event); return environment",
        Timeout=2,
    )
    before = function.invoke(0)["Payload"]
    answer = function.invoke(60, LogType="Tail")
    request_id = answer["ResponseMetadata"]["RequestId"]
    message = "Error: Task timed out after 2.00 seconds"
    assert answer["Payload"]["errorMessage"] == f"RequestId: {request_id} {message}"
    assert b"\tStatus: timeout" in base64.b64decode(answer["LogResult"])
    assert function.invoke(0)["Payload"] != before


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
    deploy: Deploy, crash: str, reason: str
) -> None:
    function = deploy(
        f"{ENVIRONMENT}def handler(event, context): return {crash} if event else environment"
    )
    before = function.invoke(0)["Payload"]
    answer = function.invoke(1, LogType="Tail")
    assert answer["Payload"]["errorType"] == "Runtime.ExitError"
    expected = rf"RequestId: [0-9a-f-]{{36}} Error: {reason}"
    assert re.fullmatch(expected, answer["Payload"]["errorMessage"])
    log = base64.b64decode(answer["LogResult"])
    assert b"Status: error\tError Type: Runtime.ExitError" in log
    assert function.invoke(0)["Payload"] != before


@pytest.mark.parametrize("known", [True, False], ids=["is known", "is not yet known"])
def test_an_end_before_the_invocation_is_reported_at_once(
    package: Package, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    package("tests.ended", "def handler(event, context): pass", timeout=600)

    async def test(cloud: Cloud) -> None:
        function, state = cloud.functions["local-tests-ended"], tmp_path / "state"
        environment = execution_environment.ExecutionEnvironment(function.latest, state, {})
        await environment.start()
        (pid,) = execution_environments.running("tests.ended")
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not Path(f"/proc/{pid}").exists())
        if known:
            await until(lambda: not environment.usable)
            await asyncio.sleep(0.1)
        else:
            monkeypatch.setattr(runtime_process.RuntimeProcess, "alive", True)
        async with asyncio.timeout(60):
            result = await environment.invoke(Invocation(b"{}"))
        monkeypatch.undo()
        await environment.stop()
        assert json.loads(result.payload)["errorMessage"].endswith("error: signal: killed")

    run(test)


def test_an_import_error_in_init_is_the_answer(deploy: Deploy) -> None:
    error = deploy("import psycopg2").invoke({})["Payload"]  # installed for us, in nobody's zip
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'psycopg2'" in error["errorMessage"]


def test_the_sdk_is_in_the_runtime(deploy: Deploy) -> None:
    function = deploy("import boto3\ndef handler(event, context): return boto3.__name__")
    assert function.invoke({})["Payload"] == "boto3"


def test_an_exit_in_init_is_the_answer(deploy: Deploy) -> None:
    function = deploy("print('trying')\nraise SystemExit(4)")
    assert function.invoke({})["Payload"]["errorMessage"].endswith("exit status 4")
    assert "Error Type: Runtime.ExitError" in log_of(function)


def test_an_init_over_its_limit_is_tried_again_within_the_function_timeout(
    package: Package, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(execution_environment, "INIT_SECONDS", 2)  # not 10: nobody waits for it
    mark = tmp_path / "tried"
    package(
        "tests.one",
        "import pathlib, time\n"
        f"mark = pathlib.Path({str(mark)!r})\n"
        "if not mark.exists(): mark.touch(); time.sleep(600)\n"
        "def handler(event, context): return 'initialized'",
        timeout=60,
    )

    async def test(cloud: Cloud) -> None:
        assert await invoke(cloud, {}) == "initialized"
        logs = (tmp_path / "state" / "logs" / "local-tests-one").glob("*.log")
        assert "Phase: init\tStatus: timeout" in "".join(log.read_text() for log in logs)

    run(test)


def test_the_init_limit_is_10_seconds() -> None:
    assert execution_environment.INIT_SECONDS == 10


def test_an_init_without_end_is_ended_by_the_function_timeout(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_environment, "INIT_SECONDS", 0.1)  # of the local cloud
    function = deploy("while True: pass", Timeout=1)
    error = function.invoke({})["Payload"]
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")


@pytest.mark.parametrize(
    ("afterwards", "check_seconds"),
    [("time.sleep(60)", runtime_process.MEMORY_CHECK_SECONDS), ("data.clear()", 60)],
    ids=["while it runs", "even if it was free again before anybody looked"],
)
def test_who_takes_more_than_the_memory_is_killed(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, afterwards: str, check_seconds: float
) -> None:
    monkeypatch.setattr(runtime_process, "MEMORY_CHECK_SECONDS", check_seconds)
    function = deploy(
        "import time\n"
        f"def handler(event, context): data = bytearray(event * {MEGABYTE}); {afterwards}",
    )
    answer = function.invoke(256, LogType="Tail")
    assert answer["Payload"]["errorType"] == "Runtime.ExitError"
    assert answer["Payload"]["errorMessage"].endswith("Runtime exited with error: signal: killed")
    log = base64.b64decode(answer["LogResult"])
    assert b"Memory Size: 128 MB\tMax Memory Used: 128 MB" in log


def test_a_response_has_6_mb_at_most(deploy: Deploy) -> None:
    function = deploy("def handler(event, context): return 'x' * event")
    assert len(function.invoke(6 * MEGABYTE - 2)["Payload"]) == 6 * MEGABYTE - 2
    error = function.invoke(6 * MEGABYTE + 100)["Payload"]
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert "exceeded maximum allowed payload size (6291556 bytes)" in error["errorMessage"]
