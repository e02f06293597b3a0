"""Rules of "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway" (payload 2.0),
"Create routes for HTTP APIs in API Gateway" and "Quotas for HTTP APIs in API Gateway".
"""

import asyncio
import base64
import gzip
import http.client
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.cloud import Cloud
from local.function import MAXIMUM_ENVIRONMENTS
from local.http_front import response
from local.invocation import InvocationResult

type Package = Callable[..., None]

ROUTES = [
    "GET /files/{path+}",
    "ANY /items/{id}",
    "POST /echo",
    "GET /items/{id}",
    "GET /items/new",
]
MEGABYTE = 1024 * 1024


def routed(routes: list[str]) -> dict[str, Any]:
    return {"type": "http", "routes": routes}


@pytest.fixture
def echo(package: Callable[..., None], run: Callable[..., None]) -> Callable[..., None]:
    """Runs an async test with a session to a function that answers with its event."""
    package("tests.echo", "def handler(event, context): return event", trigger=routed(ROUTES))

    def run_with_session(test: Callable[[aiohttp.ClientSession], Any]) -> None:
        async def with_session(cloud: Cloud) -> None:
            async with aiohttp.ClientSession(cloud.url) as session:
                await test(session)

        run(with_session)

    return run_with_session


def test_a_request_becomes_an_event(echo: Callable[..., None]) -> None:
    async def test(session: aiohttp.ClientSession) -> None:
        headers = [("X-Test", "a"), ("X-Test", "b"), ("Cookie", "one=1; two=2")]
        async with session.post("/echo?q=1&q=2&r=%20", json={"é": 1}, headers=headers) as answer:
            event = await answer.json()
        assert (event["version"], event["routeKey"], event["rawPath"]) == (
            "2.0",
            "POST /echo",
            "/echo",
        )
        assert event["queryStringParameters"] == {"q": "1,2", "r": " "}
        assert event["headers"]["x-test"] == "a,b"
        assert event["cookies"] == ["one=1", "two=2"]
        assert event["requestContext"]["http"]["method"] == "POST"
        assert json.loads(event["body"]) == {"é": 1}
        assert event["isBase64Encoded"] is False

    echo(test)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/octet-stream"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_a_body_that_is_no_text_comes_as_base64(
    echo: Callable[..., None], headers: dict[str, str]
) -> None:
    async def test(session: aiohttp.ClientSession) -> None:
        body = b"never looked into"
        async with session.post("/echo", data=body, headers=headers) as answer:
            event = await answer.json()
        assert event["isBase64Encoded"] is True
        assert base64.b64decode(event["body"]) == body

    echo(test)


def test_paths(echo: Callable[..., None]) -> None:
    async def test(session: aiohttp.ClientSession) -> None:
        async with session.delete("/items/7") as answer:
            assert (await answer.json())["pathParameters"] == {"id": "7"}
        async with session.get("/files/a/b") as answer:
            assert (await answer.json())["pathParameters"] == {"path": "a/b"}
        for method, path in (("GET", "/echo"), ("POST", "/"), ("POST", "/echo/more")):
            async with session.request(method, path) as answer:
                assert (answer.status, await answer.json()) == (404, {"message": "Not Found"})

    echo(test)


def test_a_body_over_10_mb_is_refused_before_its_end(
    package: Package, run: Callable[..., None]
) -> None:
    package("tests.echo", "def handler(event, context): return 1", trigger=routed(["POST /"]))

    def post(url: str) -> None:
        connection = http_connection(url)
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", str(20 * MEGABYTE))
        connection.endheaders(b"x" * (10 * MEGABYTE + 1))
        assert connection.getresponse().status == 413

    run(lambda cloud: asyncio.to_thread(post, cloud.url))


def test_a_text_of_5_mb_is_passed_on(echo: Callable[..., None]) -> None:
    async def test(session: aiohttp.ClientSession) -> None:
        text = "x" * (5 * MEGABYTE)
        async with session.post("/echo", data=text, headers={"Content-Type": "text/plain"}) as got:
            assert (await got.json())["body"] == text

    echo(test)


def test_an_event_over_the_limit_of_lambda(echo: Callable[..., None]) -> None:
    async def test(session: aiohttp.ClientSession) -> None:
        # In base64 it has more than 6 MB.
        async with session.post("/echo", data=b"x" * (5 * MEGABYTE)) as answer:
            assert answer.status == 413

    echo(test)


def test_the_most_specific_route_is_taken(echo: Callable[..., None]) -> None:
    async def test(session: aiohttp.ClientSession) -> None:
        for method, path, route_key in (
            ("GET", "/items/new", "GET /items/new"),
            ("GET", "/items/7", "GET /items/{id}"),
            ("PUT", "/items/7", "ANY /items/{id}"),
        ):
            async with session.request(method, path) as answer:
                assert (await answer.json())["routeKey"] == route_key

    echo(test)


def test_one_connection_serves_many_requests(package: Package, run: Callable[..., None]) -> None:
    package("tests.echo", "def handler(event, context): return 1", trigger=routed(["GET /"]))

    def get_twice(url: str) -> None:
        connection = http_connection(url)
        connection.connect()
        first = connection.sock
        for _ in range(2):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"1"
            assert connection.sock is first

    run(lambda cloud: asyncio.to_thread(get_twice, cloud.url))


def test_a_compressed_body_passes_both_ways(package: Package, run: Callable[..., None]) -> None:
    package(
        "tests.echo",
        "def handler(event, context):\n"
        "    return {'statusCode': 200, 'isBase64Encoded': True, 'body': event['body'],\n"
        "        'headers': {'content-encoding': event['headers']['content-encoding']},\n"
        "        'cookies': ['a=1; Secure', 'b=2']}",
        trigger=routed(["POST /"]),
    )
    body = gzip.compress(random.Random(0).randbytes(1000))

    def post(url: str) -> None:
        connection = http_connection(url)
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        connection.request("POST", "/", body, headers)
        answer = connection.getresponse()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers.get_all("Set-Cookie") == ["a=1; Secure", "b=2"]
        assert answer.read() == body

    run(lambda cloud: asyncio.to_thread(post, cloud.url))


def test_requests_at_once_up_to_the_number_of_environments(
    package: Package, run: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "running").mkdir()
    # No invocation ends before as many have begun as may run at once.
    source = f"""
import os, pathlib, time
running = pathlib.Path({str(tmp_path / "running")!r})
def handler(event, context):
    (running / str(os.getpid())).touch()
    while len(list(running.iterdir())) < {MAXIMUM_ENVIRONMENTS}:
        time.sleep(0.01)
    return event["body"]
"""
    package("tests.echo", source, trigger=routed(["POST /"]), timeout=60)

    async def test(cloud: Cloud) -> None:
        async with aiohttp.ClientSession(cloud.url) as session:

            async def body(number: int) -> str:
                async with session.post("/", json=number) as answer:
                    return await answer.text()

            bodies = await asyncio.gather(*(body(number) for number in range(30)))
        assert bodies == [str(number) for number in range(30)]
        assert cloud.functions["local-tests-echo"].cold_starts == MAXIMUM_ENVIRONMENTS

    run(test)


def http_connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)


def result(answer: object) -> InvocationResult:
    return InvocationResult(json.dumps(answer).encode())


def test_a_formatted_answer() -> None:
    answer = {
        "statusCode": 202,
        "headers": {"content-type": "application/json", "retry-after": 1},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(b"{}").decode(),
        "isBase64Encoded": True,
    }
    formatted = response(result(answer))
    assert (formatted.status, formatted.body) == (202, b"{}")
    assert formatted.headers.getall("Content-Type") == ["application/json"]
    assert formatted.headers["Retry-After"] == "1"
    assert formatted.headers.getall("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("answer", [None, ["a"], {"no": "status code"}])
def test_an_answer_without_status_code_is_the_body(answer: object) -> None:
    formatted = response(result(answer))
    assert (formatted.status, formatted.content_type) == (200, "application/json")
    assert json.loads(str(formatted.text)) == answer


def test_a_text_without_status_code_is_the_body_as_it_is() -> None:
    formatted = response(result("text"))
    assert (formatted.status, formatted.content_type) == (200, "application/json")
    assert formatted.text == "text"


@pytest.mark.parametrize(
    "failed",
    [
        InvocationResult(b'{"errorMessage": "secret"}', failed=True),
        result({"statusCode": "none"}),
        result({"statusCode": 200, "body": {"not": "a string"}}),
    ],
)
def test_a_failure_says_nothing_of_its_reason(failed: InvocationResult) -> None:
    formatted = response(failed)
    assert (formatted.status, formatted.text) == (500, '{"message": "Internal Server Error"}')
