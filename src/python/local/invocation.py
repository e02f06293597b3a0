"""An invocation of a function and what comes of it, in the words of Lambda's Invoke API."""

import json
import uuid
from dataclasses import dataclass, field

# Bytes, by Lambda's quotas: 6 MB. Its own message about responses names 100 bytes more.
MAXIMUM_PAYLOAD = 6 * 1024 * 1024
MAXIMUM_RESPONSE = MAXIMUM_PAYLOAD + 100


@dataclass(frozen=True)
class Invocation:
    """`function_arn` is the one it was invoked by, with the qualifier."""

    payload: bytes
    client_context: str | None = None  # JSON
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_arn: str = ""


@dataclass(frozen=True)
class InvocationResult:
    """`payload` is the function's answer in JSON, or the document of its error when it `failed`.

    A `throttled` invocation has failed without reaching the function. `log` is the end of what
    the invocation wrote to the function's log, 4 KB at most.
    """

    payload: bytes
    failed: bool = False
    throttled: bool = False
    log: bytes = b""
    executed_version: str = "$LATEST"


def failure(error_type: str, message: str) -> InvocationResult:
    return InvocationResult(_document(error_type, message), failed=True)


def throttled() -> InvocationResult:
    document = _document("TooManyRequestsException", "Rate Exceeded.")
    return InvocationResult(document, failed=True, throttled=True)


def _document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
