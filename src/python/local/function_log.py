"""What Lambda writes to a function's log around what the function writes itself.

Source: "Understanding the Lambda execution environment lifecycle" and "Using Lambda function logs"
in the Lambda developer guide.
"""

import json
import math
import os
from pathlib import Path

from local.function_configuration import FunctionConfiguration
from local.invocation import InvocationResult

TAIL = 4096  # bytes of an invocation's log that the Invoke API returns


class LogStream:
    """The log of one execution environment: a file that its process and we append to."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("a+b", buffering=0)

    def close(self) -> None:
        self.file.close()

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def write(self, line: str) -> None:
        self.file.write(line.encode() + b"\n")

    def tail(self, start: int) -> bytes:
        """The end of what was written since the log had the size `start`."""
        size = self.size
        offset = max(start, size - TAIL)
        return os.pread(self.file.fileno(), size - offset, offset)


def start_line(request_id: str, version: str) -> str:
    return f"START RequestId: {request_id} Version: {version}"


def end_lines(
    request_id: str,
    configuration: FunctionConfiguration,
    result: InvocationResult,
    *,
    seconds: float,
    init_seconds: float | None,
    memory: int,
) -> str:
    """The END and REPORT lines. `memory` is the most used, in bytes.

    `init_seconds` is the time of an init phase before this invocation: it is billed as well.
    """
    milliseconds = seconds * 1000
    billed = math.ceil(milliseconds + (init_seconds or 0) * 1000)
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {billed} ms",
        f"Memory Size: {configuration.memory} MB",
        f"Max Memory Used: {min(math.ceil(memory / 2**20), configuration.memory)} MB",
    ]
    if init_seconds is not None:
        fields.append(f"Init Duration: {init_seconds * 1000:.2f} ms")
    lines = [f"END RequestId: {request_id}"]
    match _environment_error(result):
        case "Sandbox.Timedout", message:
            lines.insert(0, message)
            fields.append("Status: timeout")
        case str(error_type), message:
            lines.insert(0, f"{message}\n{error_type}")
            fields += ["Status: error", f"Error Type: {error_type}"]
    lines.append("\t".join(fields))
    return "\n".join(lines)


def init_report_line(result: InvocationResult, seconds: float) -> str:
    """Says why the init phase has failed."""
    error_type = json.loads(result.payload)["errorType"]
    duration = f"INIT_REPORT Init Duration: {seconds * 1000:.2f} ms\tPhase: init"
    if error_type == "Sandbox.Timedout":
        return f"{duration}\tStatus: timeout"
    return f"{duration}\tStatus: error\tError Type: {error_type}"


def _environment_error(result: InvocationResult) -> tuple[str, str] | None:
    """The type and message of an error that is the environment's, not of the function's code."""
    if not result.failed:
        return None
    error = json.loads(result.payload)
    error_type = error.get("errorType", "")
    if error_type.startswith(("Runtime.", "Sandbox.", "Function.")):
        return error_type, error["errorMessage"]
    return None
