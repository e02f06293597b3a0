import asyncio
import json
from collections.abc import Callable
from typing import Any

from local import execution_environment
from local.cloud import Cloud

type Package = Callable[..., None]
type Run = Callable[..., None]


async def invoke(cloud: Cloud, event: object) -> Any:
    result = await cloud.functions["tests.one"].invoke(json.dumps(event).encode())
    return json.loads(result.payload)


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
        error = await invoke(cloud, 60)
        assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
        assert await invoke(cloud, 0) == "done"
        assert cloud.functions["tests.one"].cold_starts == 2

    run(test)


def test_a_crash_is_reported_and_the_next_invocation_gets_a_new_environment(
    package: Package, run: Run
) -> None:
    package("tests.one", "import os\ndef handler(e, c): return os._exit(3) if e else 'alive'")

    async def test(cloud: Cloud) -> None:
        error = await invoke(cloud, 1)
        assert error["errorType"] == "Runtime.ExitError"
        assert error["errorMessage"].endswith("Runtime exited with error: exit status 3")
        assert await invoke(cloud, 0) == "alive"

    run(test)


def test_a_failed_init_is_the_answer(package: Package, run: Run) -> None:
    package("tests.one", "import boto3")  # it is in nobody's zip here, but installed for us

    async def test(cloud: Cloud) -> None:
        error = await invoke(cloud, {})
        assert error["errorType"] == "Runtime.ImportModuleError"
        assert "No module named 'boto3'" in error["errorMessage"]

    run(test)


def test_an_exit_in_init_is_the_answer(package: Package, run: Run) -> None:
    package("tests.one", "raise SystemExit(4)")

    async def test(cloud: Cloud) -> None:
        error = await invoke(cloud, {})
        assert error["errorMessage"].endswith("exit status 4")

    run(test)


def test_an_init_without_end_is_the_answer(package: Package, run: Run, monkeypatch: Any) -> None:
    monkeypatch.setattr(execution_environment, "INIT_SECONDS", 0.3)
    package("tests.one", "while True: pass")

    async def test(cloud: Cloud) -> None:
        error = await invoke(cloud, {})
        assert error["errorMessage"].endswith("timed out after 0.30 seconds")

    run(test)


def test_what_a_function_sees_of_its_surroundings(
    package: Package, run: Run, monkeypatch: Any
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    package(
        "tests.one",
        "import os, sys\n"
        "def handler(event, context):\n"
        "    return {'variables': dict(os.environ), 'path': sys.path, 'directory': os.getcwd(),\n"
        "        'arn': context.invoked_function_arn, 'memory': context.memory_limit_in_mb,\n"
        "        'remaining': context.get_remaining_time_in_millis()}",
    )

    async def test(cloud: Cloud) -> None:
        seen = await invoke(cloud, {})
        variables = seen["variables"]
        assert "SECRET_OF_THE_SHELL" not in variables
        assert variables["ENVIRONMENT"] == "local"
        assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "local-tests-one"
        assert variables["LAMBDA_TASK_ROOT"] == seen["directory"] == seen["path"][0]
        assert not [path for path in seen["path"] if "site-packages" in path]
        assert seen["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:local-tests-one"
        assert seen["memory"] == "128"
        assert 0 < seen["remaining"] <= 10_000

    run(test)
