"""Rules of "Understanding the Lambda execution environment lifecycle", "Defined runtime environment
variables", "Using the Lambda context object to retrieve Python function information" and
"Configuring reserved concurrency for a function" in the Lambda developer guide.
"""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from local.cloud import Cloud
from tests.local.conftest import invoke, result_of

type Package = Callable[..., None]
type Run = Callable[..., None]


def test_environments_are_reused_and_each_runs_one_invocation(package: Package, run: Run) -> None:
    package("tests.one", "import os, time\ndef handler(e, c): time.sleep(e); return os.getpid()")

    async def test(cloud: Cloud) -> None:
        first = await invoke(cloud, 0)
        assert await invoke(cloud, 0) == first
        both = await asyncio.gather(invoke(cloud, 0.2), invoke(cloud, 0.2))
        assert first in both
        assert len(set(both)) == 2
        function = cloud.functions["local-tests-one"]
        assert (function.invocations, function.cold_starts, function.errors) == (4, 2, 0)

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
        await cloud.functions["local-tests-one"].stop()
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
        function = cloud.functions["local-tests-one"]
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
