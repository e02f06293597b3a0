"""Stream against a Kinesis that refuses as told: the emulator never throttles and never fails."""

import json
import socket
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from shared.errors import Misconfiguration
from shared.records import Record
from shared.stream import ATTEMPT_MILLISECONDS, Stream
from tests.fixtures.invocation import Context

OK: dict[str, Any] = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
THROTTLED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}

type Script = list[tuple[int, Any]]
type Scripted = tuple[Script, list[list[str]]]


@pytest.fixture
def script(aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """The answers to give, as status and content, and the data of each request's records."""
    answers: Script = []
    requests: list[list[str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            requests.append([b64decode(record["Data"]).decode() for record in body["Records"]])
            status, content = answers.pop(0)
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", address)
        yield answers, requests
        server.shutdown()
        thread.join()


def records(*keys: str) -> list[Record]:
    return [Record(key, f"{key}{index}".encode(), (index,)) for index, key in enumerate(keys)]


def put(*keys: str, time: Context | None = None) -> set[int]:
    context = time or Context()
    return Stream("local-logs").put(records(*keys), context.get_remaining_time_in_millis)


def entries(*results: dict[str, Any]) -> tuple[int, Any]:
    failed = sum("ErrorCode" in result for result in results)
    return 200, {"FailedRecordCount": failed, "Records": list(results)}


def refusal(status: int, code: str) -> tuple[int, Any]:
    return status, {"__type": code, "message": ""}


def test_only_what_was_refused_is_sent_again(script: Scripted) -> None:
    answers, requests = script
    answers += [entries(OK, THROTTLED, OK), entries(OK)]
    assert put("a", "b", "c") == set()
    assert requests == [["a0", "b1", "c2"], ["b1"]]


def test_a_later_record_of_a_key_waits_for_the_earlier(
    script: Scripted,
) -> None:
    answers, requests = script
    answers += [entries(THROTTLED, OK), entries(OK), entries(OK)]
    assert put("a", "b", "a") == set()
    assert requests == [["a0", "b1"], ["a0"], ["a2"]]


@pytest.mark.parametrize(
    "refused",
    [
        refusal(400, "ProvisionedThroughputExceededException"),
        refusal(400, "LimitExceededException"),
        refusal(400, "KMSThrottlingException"),
        refusal(400, "ThrottlingException"),
        refusal(400, "RequestTimeout"),
        refusal(500, "InternalFailure"),
        refusal(503, "ServiceUnavailable"),
    ],
)
def test_a_whole_request_is_sent_again(script: Scripted, refused: tuple[int, Any]) -> None:
    answers, requests = script
    answers += [refused, entries(OK, OK)]
    assert put("a", "b") == set()
    assert requests == [["a0", "b1"], ["a0", "b1"]]


def test_what_stays_refused_is_reported_when_time_is_up(
    script: Scripted,
) -> None:
    answers, requests = script
    answers += [entries(OK, THROTTLED), entries(THROTTLED)]
    assert put("a", "b", "b", time=Context(10_000, 10_000, ATTEMPT_MILLISECONDS)) == {1, 2}
    assert requests == [["a0", "b1"], ["b1"]]


def test_no_request_is_made_without_a_look_at_the_time(script: Scripted) -> None:
    answers, requests = script
    answers += [refusal(500, "InternalFailure"), entries(OK)]
    assert put("a", time=Context(10_000, 0)) == {0}
    assert requests == [["a0"]]


def test_an_unreachable_kinesis_is_tried_until_time_is_up(
    aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:9")
    assert put("a", time=Context(10_000, 10_000, 0)) == {0}


def test_a_kinesis_that_never_answers_is_given_up(
    aws_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.stream.READ_TIMEOUT", 0.2)

    def wait_for_the_end() -> bool:
        connection, _ = listener.accept()
        connection.settimeout(10)
        with connection, suppress(TimeoutError):
            while connection.recv(65536):
                pass
            return True
        return False

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        monkeypatch.setenv(
            "AWS_ENDPOINT_URL_KINESIS", f"http://127.0.0.1:{listener.getsockname()[1]}"
        )
        client_ended = pool.submit(wait_for_the_end)
        assert put("a", time=Context(10_000, 0)) == {0}
        assert client_ended.result()


def test_pauses_between_attempts_grow_up_to_a_limit(
    script: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, _ = script
    pauses: list[float] = []
    monkeypatch.setattr("shared.stream._random.uniform", lambda least, most: most)
    monkeypatch.setattr("shared.stream.time.sleep", pauses.append)
    answers += [*[entries(THROTTLED)] * 7, entries(OK)]
    assert put("a") == set()
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_stream_that_cannot_be_used_is_said(script: Scripted, code: str) -> None:
    answers, _ = script
    answers.append(refusal(400, code))
    with pytest.raises(Misconfiguration, match=f"local-logs cannot be used: {code}"):
        put("a")
