"""Rules of "Understanding the Lambda execution environment lifecycle", "Lambda quotas", "Defined
runtime environment variables" and "Define Lambda function handler in Python" in the Lambda
developer guide.
"""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import execution_environment, runtime_process
from local.cloud import Cloud
from local.invocation import InvocationResult

type Package = Callable[..., None]
type Run = Callable[..., None]

MEGABYTE = 1024 * 1024


async def result_of(cloud: Cloud, event: object) -> InvocationResult:
    return await cloud.functions["tests.one"].invoke(json.dumps(event).encode())


async def invoke(cloud: Cloud, event: object) -> Any:
    return json.loads((await result_of(cloud, event)).payload)


def log_of(tmp_path: Path) -> str:
    """All that the function's environments have logged."""
    logs = (tmp_path / "state" / "logs" / "tests.one").glob("*.log")
    return "".join(log.read_text() for log in logs)


def test_environments_are_reused_and_each_runs_one_invocation(package: Package, run: Run) -> None:
    package("tests.one", "import os, time\ndef handler(e, c): time.sleep(e); return os.getpid()")

    async def test(cloud: Cloud) -> None:
        first = await invoke(cloud, 0)
        assert await invoke(cloud, 0) == first
        both = await asyncio.gather(invoke(cloud, 0.2), invoke(cloud, 0.2))
        assert first in both
        assert len(set(both)) == 2
        function = cloud.functions["tests.one"]
        assert (function.invocations, function.cold_starts, function.errors) == (4, 2, 0)

    run(test)


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
        function = cloud.functions["tests.one"]
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
        assert cloud.functions["tests.one"].cold_starts == 2

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


def test_the_log_of_an_invocation(package: Package, run: Run) -> None:
    package("tests.one", "def handler(event, context): print('said')")
    line = r"REPORT RequestId: (\S+)\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t"
    line += r"Memory Size: 128 MB\tMax Memory Used: (\d+) MB(?:\tInit Duration: ([\d.]+) ms)?"

    async def test(cloud: Cloud) -> None:
        for is_cold in (True, False):
            start, said, end, report = (await result_of(cloud, {})).log.decode().splitlines()
            matched = re.fullmatch(line, report)
            assert matched is not None
            request_id, duration, billed, memory, init = matched.groups()
            assert (start, end) == (
                f"START RequestId: {request_id} Version: $LATEST",
                f"END RequestId: {request_id}",
            )
            assert said == "said"
            assert (init is not None) is is_cold
            total = float(duration) + float(init or 0)
            assert total - 0.01 <= int(billed) <= total + 1
            assert 5 < int(memory) < 128

    run(test)


def test_the_zip_is_read_only_and_the_temporary_directory_is_the_environments_own(
    package: Package, run: Run
) -> None:
    package(
        "tests.one",
        "import os, pathlib, tempfile\n"
        "def handler(event, context):\n"
        "    root = pathlib.Path(os.environ['LAMBDA_TASK_ROOT'])\n"
        "    if event: (root / event).write_text('')\n"
        "    path = pathlib.Path(tempfile.gettempdir(), 'x')\n"
        "    path.write_text('mine')\n"
        "    return str(path)",
    )

    async def test(cloud: Cloud) -> None:
        for path in ("new.txt", "tests/one/handler.py"):
            assert (await invoke(cloud, path))["errorType"] in ("PermissionError", "OSError")
        written = Path(await invoke(cloud, None))
        assert written.read_text() == "mine"
        await cloud.functions["tests.one"].stop()
        assert not written.exists()

    run(test)


def test_reserved_concurrency_throttles_what_is_above_it(package: Package, run: Run) -> None:
    package(
        "tests.one",
        "import time\ndef handler(e, c): time.sleep(e); return 'done'",
        reserved_concurrency=2,
    )

    async def test(cloud: Cloud) -> None:
        results = await asyncio.gather(*(result_of(cloud, 0.5) for _ in range(3)))
        assert [result.throttled for result in results] == [False, False, True]
        assert json.loads(results[2].payload)["errorMessage"] == "Rate Exceeded."
        assert await invoke(cloud, 0) == "done"
        function = cloud.functions["tests.one"]
        assert (function.invocations, function.throttles) == (3, 1)

    run(test)


def test_what_a_function_sees_of_its_surroundings(
    package: Package, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    package(
        "tests.one",
        "import os, sys\n"
        "def handler(event, context):\n"
        "    return {'variables': dict(os.environ), 'path': sys.path, 'directory': os.getcwd(),\n"
        "        'arn': context.invoked_function_arn, 'memory': context.memory_limit_in_mb,\n"
        "        'request_id': context.aws_request_id, 'group': context.log_group_name,\n"
        "        'stream': context.log_stream_name, 'name': context.function_name,\n"
        "        'remaining': context.get_remaining_time_in_millis()}",
    )

    async def test(cloud: Cloud) -> None:
        seen = await invoke(cloud, {})
        variables = seen["variables"]
        assert "SECRET_OF_THE_SHELL" not in variables
        assert variables["ENVIRONMENT"] == "local"
        assert variables["LAMBDA_TASK_ROOT"] == seen["directory"] == seen["path"][0]
        assert not [path for path in seen["path"] if "site-packages" in path]
        assert seen["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:local-tests-one"
        assert seen["name"] == "local-tests-one"
        assert seen["group"] == "/aws/lambda/local-tests-one"
        assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["stream"])
        assert re.fullmatch(r"[0-9a-f-]{36}", seen["request_id"])
        assert seen["memory"] == "128"
        assert 0 < seen["remaining"] <= 10_000

    run(test)
