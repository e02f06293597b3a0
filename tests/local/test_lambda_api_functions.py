"""Rules of "CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "GetFunction",
"DeleteFunction" and "PutFunctionConcurrency" in the Lambda API reference.

These tests also run against AWS: see docs/local-cloud.md.
"""

import base64
import hashlib
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.accounts import HANDLER, Account, Deploy, Deployed, zipped

OLD = "def handler(event, context): return 'old'"
NEW = "def handler(event, context): return 'new'"
VARIABLES = "import os\ndef handler(event, context): return os.environ.get('COLOUR')"


def sha256_of(source: str) -> str:
    return base64.b64encode(hashlib.sha256(zipped(source)).digest()).decode()


def refused(code: str, call: Any, **arguments: Any) -> str:
    """The message of the error that the call is refused with."""
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    assert refusal.value.response["Error"]["Code"] == code
    return str(refusal.value)


def configuration(function: Deployed) -> Any:
    return function.client.get_function_configuration(FunctionName=function.name)


def update_code(function: Deployed, source: str, **arguments: Any) -> Any:
    answer = function.client.update_function_code(
        FunctionName=function.name, ZipFile=zipped(source), **arguments
    )
    function.client.get_waiter("function_updated_v2").wait(FunctionName=function.name)
    return answer


def test_a_created_function_has_awss_defaults(deploy: Deploy, account: Account) -> None:
    name = f"conformance-{uuid.uuid4()}"
    created: Any = account.functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=account.role,
        Handler=HANDLER,
        Code={"ZipFile": zipped(OLD)},
    )
    account.functions.get_waiter("function_active_v2").wait(FunctionName=name)
    account.functions.delete_function(FunctionName=name)
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (created["Timeout"], created["MemorySize"]) == (3, 128)
    assert created["Architectures"] == ["x86_64"]
    assert (created["Version"], created["PackageType"]) == ("$LATEST", "Zip")
    assert created["LoggingConfig"]["LogFormat"] == "Text"
    assert created["EphemeralStorage"] == {"Size": 512}
    assert created["FunctionArn"].endswith(f":function:{name}")
    assert "Environment" not in created


def test_code_is_identified_by_its_sha256_and_size(deploy: Deploy) -> None:
    function = deploy(OLD)
    described = configuration(function)
    assert described["CodeSha256"] == sha256_of(OLD)
    assert described["CodeSize"] == len(zipped(OLD))
    assert (described["State"], described["LastUpdateStatus"]) == ("Active", "Successful")


def test_a_function_that_exists_is_not_created_again(deploy: Deploy, account: Account) -> None:
    function = deploy(OLD)
    message = refused(
        "ResourceConflictException",
        account.functions.create_function,
        FunctionName=function.name,
        Runtime="python3.13",
        Role=account.role,
        Handler=HANDLER,
        Code={"ZipFile": zipped(NEW)},
    )
    assert "Function already exist" in message
    assert function.invoke({})["Payload"] == "old"


def test_code_that_is_no_zip_is_refused(deploy: Deploy) -> None:
    function = deploy(OLD)
    update = function.client.update_function_code
    name = function.name
    code = "InvalidParameterValueException"
    assert "Could not unzip" in refused(code, update, FunctionName=name, ZipFile=b"no zip")
    refused(code, update, FunctionName=name, ZipFile=b"")
    assert configuration(function)["CodeSha256"] == sha256_of(OLD)


@pytest.mark.parametrize("fields", [{"MemorySize": 10_241}, {"Timeout": 901}])
def test_settings_outside_their_limits_are_refused(deploy: Deploy, fields: Any) -> None:
    function = deploy(OLD)
    refused(
        "ValidationException",
        function.client.update_function_configuration,
        FunctionName=function.name,
        **fields,
    )


def test_updated_code_answers_the_next_invocation(deploy: Deploy) -> None:
    function = deploy(OLD)
    assert function.invoke({})["Payload"] == "old"
    before = configuration(function)["RevisionId"]
    assert update_code(function, NEW)["CodeSha256"] == sha256_of(NEW)
    assert function.invoke({})["Payload"] == "new"
    assert configuration(function)["RevisionId"] != before


def test_a_dry_run_changes_nothing(deploy: Deploy) -> None:
    function = deploy(OLD)
    assert update_code(function, NEW, DryRun=True)["CodeSha256"] == sha256_of(NEW)
    assert configuration(function)["CodeSha256"] == sha256_of(OLD)
    assert function.invoke({})["Payload"] == "old"


def test_a_change_of_another_revision_is_refused(deploy: Deploy) -> None:
    function = deploy(OLD)
    first = configuration(function)["RevisionId"]
    update_code(function, NEW, RevisionId=first)
    changes: dict[str, Any] = {
        "update_function_code": {"ZipFile": zipped(OLD)},
        "update_function_configuration": {"Timeout": 5},
        "publish_version": {},
    }
    for operation, change in changes.items():
        refused(
            "PreconditionFailedException",
            getattr(function.client, operation),
            FunctionName=function.name,
            RevisionId=first,
            **change,
        )
    assert function.invoke({})["Payload"] == "new"


def test_an_updated_configuration_keeps_what_it_does_not_name(deploy: Deploy) -> None:
    function = deploy(VARIABLES, Environment={"Variables": {"COLOUR": "red"}}, MemorySize=256)
    assert function.invoke({})["Payload"] == "red"
    function.client.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"COLOUR": "blue"}}, Timeout=7
    )
    function.client.get_waiter("function_updated_v2").wait(FunctionName=function.name)
    assert function.invoke({})["Payload"] == "blue"
    described = configuration(function)
    assert (described["MemorySize"], described["Timeout"]) == (256, 7)
    assert described["Environment"] == {"Variables": {"COLOUR": "blue"}}


def test_a_deleted_function_is_not_found(deploy: Deploy, account: Account) -> None:
    function = deploy(OLD)
    account.functions.delete_function(FunctionName=function.name)
    for operation in ("get_function", "invoke", "delete_function"):
        call = getattr(account.functions, operation)
        refused("ResourceNotFoundException", call, FunctionName=function.name)
    account.functions.create_function(  # for the end of the test to delete it
        FunctionName=function.name,
        Runtime="python3.13",
        Role=account.role,
        Handler=HANDLER,
        Code={"ZipFile": zipped(OLD)},
    )


def test_reserved_concurrency_is_put_read_and_deleted(deploy: Deploy) -> None:
    function = deploy(OLD)
    client, name = function.client, function.name
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 0
    refused("TooManyRequestsException", client.invoke, FunctionName=name)
    client.delete_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)
    assert function.invoke({})["Payload"] == "old"
