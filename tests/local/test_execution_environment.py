"""Rules of "Understanding the Lambda execution environment lifecycle", "Defined runtime environment
variables", "Using the Lambda context object to retrieve Python function information" and "Lambda
quotas" in the Lambda developer guide.

These tests also run against AWS: see docs/local-cloud.md.
"""

import base64
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.limited_disk import limited
from tests.local.accounts import Deploy, Deployed

MEGABYTE = 1024 * 1024
REPORT = (
    r"REPORT RequestId: (\S+)\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t"
    r"Memory Size: 128 MB\tMax Memory Used: (\d+) MB(?:\tInit Duration: ([\d.]+) ms)?\s*"
)


def log_of(function: Deployed, event: object = None) -> str:
    """The end of what an invocation logs."""
    return base64.b64decode(function.invoke(event, LogType="Tail")["LogResult"]).decode()


def test_environments_are_reused_and_each_runs_one_invocation(deploy: Deploy) -> None:
    function = deploy(
        "import time, uuid\n"
        "environment = str(uuid.uuid4())\n"
        "def handler(event, context): time.sleep(event); return environment"
    )
    first = function.invoke(0)["Payload"]
    assert function.invoke(0)["Payload"] == first
    with ThreadPoolExecutor(2) as pool:
        both = [answer["Payload"] for answer in pool.map(function.invoke, [2, 2])]
    assert first in both
    assert len(set(both)) == 2


def test_the_log_of_an_invocation(deploy: Deploy) -> None:
    function = deploy("def handler(event, context): print('said')")
    for is_cold in (True, False):
        lines = log_of(function).splitlines()
        start, said, end, report = lines[-4:]
        matched = re.fullmatch(REPORT, report)
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


def test_the_code_is_read_only(deploy: Deploy) -> None:
    function = deploy(
        "import os, pathlib\n"
        "def handler(event, context):\n"
        "    pathlib.Path(os.environ['LAMBDA_TASK_ROOT'], event).write_text('')\n"
    )
    for path in ("new.txt", "tests/one/handler.py"):
        assert function.invoke(path)["Payload"]["errorType"] in ("PermissionError", "OSError")


def may_mount(directory: Path) -> bool:
    """Whether the kernel lets the local cloud mount something for a child, at a directory."""
    look = "import os, sys; size = os.statvfs(sys.argv[1]); print(size.f_blocks * size.f_frsize)"
    child = subprocess.run(
        [sys.executable, "-c", look, directory],
        preexec_fn=limited(directory, MEGABYTE),
        capture_output=True,
        check=True,
    )
    return int(child.stdout) == MEGABYTE


def test_the_temporary_directory_has_512_mb(deploy: Deploy, tmp_path: Path) -> None:
    function = deploy(
        "import os, tempfile\n"
        "def handler(event, context):\n"
        "    size = os.statvfs(tempfile.gettempdir())\n"
        "    return size.f_blocks * size.f_frsize\n",
    )
    if function.url is not None and not may_mount(tmp_path):
        pytest.skip("the kernel allows no mounts here, as in a container without privileges")
    assert 500 * MEGABYTE < function.invoke({})["Payload"] < 600 * MEGABYTE


def test_the_temporary_directory_lasts_as_long_as_the_environment(deploy: Deploy) -> None:
    function = deploy(
        "import os, pathlib, tempfile\n"
        "def handler(event, context):\n"
        "    names = os.listdir(tempfile.gettempdir())\n"
        "    pathlib.Path(tempfile.gettempdir(), 'mine').touch()\n"
        "    return 'mine' in names\n",
    )
    assert [function.invoke({})["Payload"] for _ in range(2)] == [False, True]
    function.client.update_function_configuration(FunctionName=function.name, MemorySize=192)
    function.client.get_waiter("function_updated_v2").wait(FunctionName=function.name)
    assert function.invoke({})["Payload"] is False


def test_what_a_function_sees_of_its_surroundings(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    function = deploy(
        "import os, sys\n"
        "def handler(event, context):\n"
        "    return {'variables': dict(os.environ), 'path': sys.path, 'directory': os.getcwd(),\n"
        "        'arn': context.invoked_function_arn, 'memory': context.memory_limit_in_mb,\n"
        "        'request_id': context.aws_request_id, 'group': context.log_group_name,\n"
        "        'stream': context.log_stream_name, 'name': context.function_name,\n"
        "        'version': context.function_version,\n"
        "        'remaining': context.get_remaining_time_in_millis()}",
        Environment={"Variables": {"COLOUR": "blue"}},
    )
    answer = function.invoke({})
    seen: Any = answer["Payload"]
    described = function.client.get_function_configuration(FunctionName=function.name)
    variables = seen["variables"]
    assert "SECRET_OF_THE_SHELL" not in variables
    assert variables["COLOUR"] == "blue"
    assert variables["LAMBDA_TASK_ROOT"] == seen["directory"] == seen["path"][0]
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == seen["name"] == function.name
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == seen["memory"] == "128"
    assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == seen["version"] == "$LATEST"
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == seen["group"] == f"/aws/lambda/{function.name}"
    assert variables["AWS_LAMBDA_LOG_STREAM_NAME"] == seen["stream"]
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["_HANDLER"] == described["Handler"]
    assert variables["TZ"] == ":UTC"
    assert seen["arn"] == described["FunctionArn"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["stream"])
    assert seen["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert 0 < seen["remaining"] <= 10_000
