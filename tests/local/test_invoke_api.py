"""Rules of "Invoke", "GetFunction", "GetFunctionConfiguration" and "ListFunctions" in the Lambda
API reference, "Invoke a Lambda function synchronously" and "Lambda quotas".

Tests with `deploy` alone also run against AWS: see docs/local-cloud.md.
"""

import base64
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.accounts import HANDLER, Deploy

ECHO = "def handler(event, context): return event"


def error_of(refused: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    response = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_request_response_is_the_default_and_answers_200_with_the_payload(deploy: Deploy) -> None:
    answer = deploy(ECHO).invoke({"é": [1, None, 0.1]})
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["Payload"] == {"é": [1, None, 0.1]}
    assert "FunctionError" not in answer
    assert "LogResult" not in answer


def test_the_request_id_of_the_answer_is_the_one_the_function_sees(deploy: Deploy) -> None:
    answer = deploy("def handler(event, context): return context.aws_request_id").invoke({})
    assert answer["ResponseMetadata"]["RequestId"] == answer["Payload"]


def test_a_function_error_answers_200_with_function_error_and_the_error_document(
    deploy: Deploy,
) -> None:
    answer = deploy("def handler(event, context): raise LookupError('none there')").invoke({})
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert answer["Payload"]["errorType"] == "LookupError"
    assert answer["Payload"]["errorMessage"] == "none there"
    assert "none there" in "".join(answer["Payload"]["stackTrace"])


def test_a_timeout_is_a_function_error(deploy: Deploy) -> None:
    function = deploy("import time\ndef handler(event, context): time.sleep(60)", Timeout=1)
    answer = function.invoke({})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_log_type_tail_returns_the_last_4_kb_of_the_log(deploy: Deploy) -> None:
    function = deploy("def handler(event, context): print('x' * event, 'and the end')")
    log = base64.b64decode(function.invoke(0, LogType="Tail")["LogResult"]).decode()
    request_id = log.split()[2]
    assert f"START RequestId: {request_id} Version: $LATEST\n and the end\n" in log
    assert f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\t" in log
    log = base64.b64decode(function.invoke(9000, LogType="Tail")["LogResult"]).decode()
    assert len(log) == 4096
    assert "START" not in log
    assert "REPORT" in log


def test_dry_run_answers_204_and_runs_nothing(deploy: Deploy) -> None:
    function = deploy("count = 0\ndef handler(e, c): global count; count += 1; return count")
    answer = function.invoke({}, InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Payload"]) == (204, None)
    assert function.invoke({})["Payload"] == 1


def test_event_answers_202_before_the_function_ends(deploy: Deploy) -> None:
    function = deploy("import time\ndef handler(event, context): time.sleep(event)")
    answer = function.invoke(60, InvocationType="Event")
    assert (answer["StatusCode"], answer["Payload"]) == (202, None)


def test_no_payload_is_an_empty_object(deploy: Deploy) -> None:
    function = deploy(ECHO)
    answer = function.client.invoke(FunctionName=function.name)
    assert json.loads(answer["Payload"].read()) == {}


def test_the_client_context_reaches_the_function(deploy: Deploy) -> None:
    function = deploy("def handler(event, context): return context.client_context.custom")
    context = base64.b64encode(json.dumps({"custom": {"key": "é"}}).encode()).decode()
    assert function.invoke({}, ClientContext=context)["Payload"] == {"key": "é"}


def test_a_payload_that_is_no_json_is_refused(deploy: Deploy) -> None:
    function = deploy(ECHO)
    with pytest.raises(ClientError, match="Could not parse request body into json") as refused:
        function.client.invoke(FunctionName=function.name, Payload="{")
    assert error_of(refused) == (400, "InvalidRequestContentException")


def test_an_unknown_function_or_version_is_not_found(deploy: Deploy) -> None:
    function = deploy(ECHO)
    with pytest.raises(ClientError, match="Function not found: arn:aws:lambda:") as refused:
        function.client.invoke(FunctionName=function.name + "-other")
    assert error_of(refused) == (404, "ResourceNotFoundException")
    with pytest.raises(ClientError) as refused:
        function.invoke({}, Qualifier="7")
    assert error_of(refused) == (404, "ResourceNotFoundException")


def test_an_invocation_type_that_is_none_is_refused(deploy: Deploy) -> None:
    with pytest.raises(ClientError) as refused:
        deploy(ECHO).invoke({}, InvocationType="Later")
    assert error_of(refused)[0] == 400


def test_a_synchronous_payload_has_6_mb_at_most(deploy: Deploy) -> None:
    function = deploy("def handler(event, context): return len(event)")
    most = 6 * 1024 * 1024
    assert function.invoke("x" * (most - 2))["Payload"] == most - 2
    for size in (most, 2 * most):
        with pytest.raises(ClientError, match=f"smaller than {most} bytes") as refused:
            function.invoke("x" * size)
        assert error_of(refused) == (413, "RequestTooLargeException")


def test_an_asynchronous_payload_has_1_mb_at_most(deploy: Deploy) -> None:
    function = deploy(ECHO)
    most = 1024 * 1024
    assert function.invoke("x" * (most - 2), InvocationType="Event")["StatusCode"] == 202
    with pytest.raises(ClientError) as refused:
        function.invoke("x" * most, InvocationType="Event")
    assert error_of(refused) == (413, "RequestTooLargeException")


def test_a_function_is_named_by_its_name_or_its_arn(deploy: Deploy) -> None:
    function = deploy(ECHO)
    configuration = function.client.get_function_configuration(FunctionName=function.name)
    arn = configuration["FunctionArn"]
    partial = ":".join(arn.split(":")[4:])
    for name in (function.name, arn, partial, f"{function.name}:$LATEST"):
        answer = function.client.invoke(FunctionName=name, Payload="1")
        assert answer["Payload"].read() == b"1"


def test_get_function_describes_it(deploy: Deploy) -> None:
    function = deploy(ECHO, MemorySize=256, Timeout=7, reserved_concurrency=3)
    answer = function.client.get_function(FunctionName=function.name)
    configuration = answer["Configuration"]
    assert configuration["FunctionName"] == function.name
    assert configuration["Handler"] == HANDLER
    assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 7)
    assert (configuration["Runtime"], configuration["State"]) == ("python3.13", "Active")
    assert answer["Concurrency"]["ReservedConcurrentExecutions"] == 3
    with pytest.raises(function.client.exceptions.ResourceNotFoundException):
        function.client.get_function(FunctionName=function.name + "-other")


def test_more_than_the_reserved_concurrency_is_throttled(deploy: Deploy) -> None:
    function = deploy(
        "import time\ndef handler(event, context): time.sleep(event)", reserved_concurrency=1
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(function.invoke, 2)
        time.sleep(0.5)  # by then the first is running
        with pytest.raises(ClientError, match="Rate Exceeded") as refused:
            function.client.invoke(FunctionName=function.name, Payload="0")
        assert "FunctionError" not in first.result()
    assert error_of(refused) == (429, "TooManyRequestsException")


def test_list_functions_in_pages(deploy: Deploy) -> None:
    functions = [deploy(ECHO) for _ in range(3)]
    paginator = functions[0].client.get_paginator("list_functions")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": 2}))
    assert max(len(page["Functions"]) for page in pages) == 2
    listed = [function["FunctionName"] for page in pages for function in page["Functions"]]
    assert len(listed) == len(set(listed))
    assert {function.name for function in functions} <= set(listed)


def test_a_request_that_a_web_page_could_send_is_refused(deploy: Deploy) -> None:
    function = deploy(ECHO)
    if function.url is None:
        return  # AWS checks the signature itself
    path = f"/2015-03-31/functions/{function.name}/invocations"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(function.url + path, data=b"{}")
    assert refused.value.code == 403


def test_the_aws_command_line_invokes_gets_and_lists(deploy: Deploy, tmp_path: Path) -> None:
    function = deploy(ECHO)
    if function.url is None:
        return  # its own configuration is not what is tested

    def aws(*arguments: str) -> Any:
        command = [sys.executable, "-m", "awscli", "lambda", *arguments]
        variables = {
            "PYTHONPATH": ":".join(sys.path),
            "AWS_ENDPOINT_URL": str(function.url),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }
        completed = subprocess.run(
            command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return json.loads(completed.stdout) if completed.returncode == 0 else completed.stderr

    invocation = ("invoke", "--function-name", function.name, "--payload", '{"a": 1}', "answer")
    answer = aws(*invocation, "--log-type", "Tail")
    assert answer["StatusCode"] == 200
    assert b"REPORT RequestId" in base64.b64decode(answer["LogResult"])
    assert json.loads((tmp_path / "answer").read_text()) == {"a": 1}
    assert aws(*invocation, "--invocation-type", "Event")["StatusCode"] == 202
    configuration = aws("get-function", "--function-name", function.name)["Configuration"]
    assert configuration["FunctionName"] == function.name
    listed = aws("list-functions")["Functions"]
    assert function.name in [each["FunctionName"] for each in listed]
    assert "ResourceNotFoundException" in aws("get-function", "--function-name", "other")
