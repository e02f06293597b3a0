import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.account import lambda_client
from local.cloud import Cloud

SOURCE = "def handler(event, context):\n    open(event['path'], 'w').close()\n    return event"


def test_invoke_with_boto3(
    package: Callable[..., None], run: Callable[..., None], tmp_path: Path
) -> None:
    package("tests.one", SOURCE)

    def check(url: str) -> None:
        client = lambda_client(url)
        event = json.dumps({"path": str(tmp_path / "answered")})
        response = client.invoke(FunctionName="local-tests-one", Payload=event)
        assert response["StatusCode"] == 200
        assert "FunctionError" not in response
        assert response["Payload"].read().decode() == event
        response = client.invoke(FunctionName="local-tests-one", Payload="{}")
        assert response["FunctionError"] == "Unhandled"
        assert json.loads(response["Payload"].read())["errorType"] == "KeyError"
        dry = json.dumps({"path": str(tmp_path / "dry")})
        response = client.invoke(
            FunctionName="local-tests-one", InvocationType="DryRun", Payload=dry
        )
        assert response["StatusCode"] == 204
        assert not (tmp_path / "dry").exists()

    run(lambda cloud: asyncio.to_thread(check, cloud.url))


def test_an_event_invocation_runs_after_the_answer(
    package: Callable[..., None], run: Callable[..., None], tmp_path: Path
) -> None:
    package("tests.one", SOURCE)
    path = tmp_path / "done"

    async def test(cloud: Cloud) -> None:
        response = await asyncio.to_thread(
            lambda_client(cloud.url).invoke,
            FunctionName="local-tests-one",
            InvocationType="Event",
            Payload=json.dumps({"path": str(path)}),
        )
        assert response["StatusCode"] == 202
        async with asyncio.timeout(10):
            while not path.exists():
                await asyncio.sleep(0.01)

    run(test)


def test_what_can_not_be_invoked(package: Callable[..., None], run: Callable[..., None]) -> None:
    package("tests.one", "def handler(event, context): pass")

    def check(url: str) -> None:
        client = lambda_client(url)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.invoke(FunctionName="tests.one")
        with pytest.raises(client.exceptions.InvalidRequestContentException):
            client.invoke(FunctionName="local-tests-one", Payload="{")
        with pytest.raises(ClientError, match="RequestTooLarge"):
            client.invoke(FunctionName="local-tests-one", Payload=f'"{"x" * 7_000_000}"')

    run(lambda cloud: asyncio.to_thread(check, cloud.url))


def test_a_request_that_a_web_page_could_send_is_refused(
    package: Callable[..., None], run: Callable[..., None]
) -> None:
    package("tests.one", "def handler(event, context): pass")

    def check(url: str) -> None:
        path = "/2015-03-31/functions/local-tests-one/invocations"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url + path, data=b"{}")
        assert refused.value.code == 403

    run(lambda cloud: asyncio.to_thread(check, cloud.url))


def test_list_functions(package: Callable[..., None], run: Callable[..., None]) -> None:
    package("tests.one", "", memory=256, timeout=7)

    def check(url: str) -> None:
        (function,) = lambda_client(url).list_functions()["Functions"]
        assert function["FunctionName"] == "local-tests-one"
        assert (function["MemorySize"], function["Timeout"]) == (256, 7)
        assert function["Runtime"] == "python3.13"

    run(lambda cloud: asyncio.to_thread(check, cloud.url))
