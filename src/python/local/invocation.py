"""An invocation of a function and what comes of it, in the words of Lambda's Invoke API."""

import json
import uuid
from dataclasses import dataclass, field

MAXIMUM_PAYLOAD = 6 * 1024 * 1024  # bytes of a request or response, by Lambda's quotas


@dataclass(frozen=True)
class Invocation:
    payload: bytes
    deadline: float  # seconds since the epoch
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class InvocationResult:
    """`payload` is the function's answer in JSON, or the document of its error when it `failed`."""

    payload: bytes
    failed: bool = False


def failure(error_type: str, message: str) -> InvocationResult:
    document = {"errorType": error_type, "errorMessage": message}
    return InvocationResult(json.dumps(document).encode(), failed=True)
