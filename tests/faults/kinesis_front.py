"""An HTTP front before the emulated Kinesis, which itself never refuses and never fails."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

REFUSALS = ("ProvisionedThroughputExceededException", "InternalFailure")


@dataclass(frozen=True)
class Refuse:
    """Kinesis takes the request, but not the records for which `refused` is true of the place."""

    refused: Callable[[int], bool]


@dataclass(frozen=True)
class Answer:
    """The request never reaches Kinesis."""

    status: int
    body: bytes


class LoseAnswer:
    """Kinesis takes the records, and the connection breaks before the client knows."""


type Fault = Refuse | Answer | LoseAnswer

THROTTLE = Answer(400, b'{"__type": "ProvisionedThroughputExceededException", "message": ""}')
FAIL = Answer(500, b'{"__type": "InternalFailure", "message": ""}')
BAD_GATEWAY = Answer(502, b"<html>Bad gateway</html>")
GARBAGE = Answer(200, b"<html>Captive portal</html>")


class KinesisFront:
    """Listens on loopback; each PutRecords request meets the next of `faults`, if there is one."""

    def __init__(self, emulator: str) -> None:
        self.faults: deque[Fault | None] = deque()
        self._emulator = urlsplit(emulator).netloc
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                front._serve(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=[0.05])

    def __enter__(self) -> "KinesisFront":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        headers = dict(request.headers.items())
        puts = headers.get("X-Amz-Target", "").endswith(".PutRecords")
        fault = self.faults.popleft() if puts and self.faults else None
        match fault:
            case None:
                status, answer = self._forward(headers, body)
            case Refuse(refused):
                status, answer = self._put_some(headers, json.loads(body), refused)
            case Answer(status, answer):
                pass
            case LoseAnswer():
                self._forward(headers, body)
                request.close_connection = True
                return
        request.send_response(status)
        request.send_header("content-type", "application/x-amz-json-1.1")
        request.send_header("content-length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def _put_some(
        self, headers: dict[str, str], content: dict[str, Any], refused: Callable[[int], bool]
    ) -> tuple[int, bytes]:
        records = content["Records"]
        taken = [record for place, record in enumerate(records) if not refused(place)]
        results = iter(())
        if taken:
            body = json.dumps({**content, "Records": taken}).encode()
            results = iter(json.loads(self._forward(headers, body)[1])["Records"])
        entries = [
            {"ErrorCode": REFUSALS[place % 2], "ErrorMessage": ""}
            if refused(place)
            else next(results)
            for place in range(len(records))
        ]
        failed = len(records) - len(taken)
        return 200, json.dumps({"FailedRecordCount": failed, "Records": entries}).encode()

    def _forward(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        connection = HTTPConnection(self._emulator)
        passed = {
            name: value for name, value in headers.items() if name.lower() != "content-length"
        }
        connection.request("POST", "/", body, passed)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        return response.status, answer
