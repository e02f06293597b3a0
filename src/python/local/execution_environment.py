"""One process that runs one function, one invocation at a time.

Source: "Understanding the Lambda execution environment lifecycle" in the Lambda developer guide.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from local import account, child_process
from local.invocation import Invocation, InvocationResult, failure
from local.manifest import Manifest
from local.runtime_api import RuntimeApi

INIT_SECONDS = 10.0
# The interpreter itself: the one we run on may be of a virtual environment with packages.
INTERPRETER = os.path.realpath(sys.executable)


class ExecutionEnvironment:
    """An environment is started, then invoked any number of times in turn, then stopped.

    `usable` is false from the moment it can't take another invocation: init has failed, an
    invocation ran out of time, or the process has ended.
    """

    def __init__(
        self,
        manifest: Manifest,
        code: Path,
        runtime: Path,
        variables: Mapping[str, str],
        log: IO[bytes],
    ) -> None:
        self.usable = True
        self._manifest = manifest
        self._code = code
        self._runtime = runtime
        self._variables = variables
        self._log = log
        self._api = RuntimeApi(account.function_arn(manifest.name))
        self._stack = AsyncExitStack()
        self._request_id = ""
        self._init_failure: InvocationResult | None = None
        self._init_seconds: float | None = None

    async def start(self) -> None:
        """Runs the function's init phase; when it fails, the first invocation answers with that."""
        started = time.monotonic()
        await self._stack.enter_async_context(self._api.serving())
        process = await child_process.start(
            [INTERPRETER, "-S", "-B", "-m", "awslambdaric", self._manifest.handler],
            directory=self._code,
            variables={**self._lambda_variables(), **self._variables},
            log=self._log,
        )
        self._stack.push_async_callback(child_process.stop, process)
        watcher = asyncio.create_task(self._watch(process))
        self._stack.callback(watcher.cancel)
        try:
            async with asyncio.timeout(INIT_SECONDS):
                self._init_failure = await self._api.initialized
        except TimeoutError:
            self._init_failure = _timed_out(self._request_id, INIT_SECONDS)
        self._init_seconds = time.monotonic() - started
        self.usable = self._init_failure is None

    async def invoke(self, payload: bytes) -> InvocationResult:
        """Runs the function on `payload`, and stops the environment when its time is over."""
        timeout = self._manifest.timeout
        invocation = Invocation(payload, deadline=time.time() + timeout)
        self._request_id = invocation.request_id
        self._write("platform.start", requestId=invocation.request_id, version="$LATEST")
        started = time.monotonic()
        result = self._init_failure
        if result is None:
            self._api.hand_over(invocation)
            try:
                async with asyncio.timeout(timeout):
                    result = await self._api.result
            except TimeoutError:
                result = _timed_out(invocation.request_id, timeout)
                await self.stop()
        self._report(invocation, result, time.monotonic() - started)
        return result

    async def stop(self) -> None:
        """Kills the process and frees its port."""
        self.usable = False
        await self._stack.aclose()

    async def _watch(self, process: Process) -> None:
        status = await process.wait()
        self.usable = False
        reason = f"signal {-status}" if status < 0 else f"exit status {status}"
        message = f"RequestId: {self._request_id} Error: Runtime exited with error: {reason}"
        result = failure("Runtime.ExitError", message)
        if not self._api.initialized.done():
            self._api.initialized.set_result(result)
        if not self._api.result.done():
            self._api.result.set_result(result)

    def _lambda_variables(self) -> dict[str, str]:
        """Source: "Defined runtime environment variables" in the Lambda developer guide."""
        function = account.deployed_name(self._manifest.name)
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{secrets.token_hex(16)}"
        return {
            "_HANDLER": self._manifest.handler,
            "AWS_REGION": account.REGION,
            "AWS_DEFAULT_REGION": account.REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self._manifest.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._manifest.memory),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function}",
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_ACCESS_KEY_ID": account.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": account.SECRET_ACCESS_KEY,
            "LAMBDA_TASK_ROOT": str(self._code),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(self._runtime),
            "TZ": ":UTC",
        }

    def _report(self, invocation: Invocation, result: InvocationResult, seconds: float) -> None:
        metrics: dict[str, float] = {
            "durationMs": round(seconds * 1000, 3),
            "memorySizeMB": self._manifest.memory,
        }
        if self._init_seconds is not None:
            metrics["initDurationMs"] = round(self._init_seconds * 1000, 3)
            self._init_seconds = None
        status = "error" if result.failed else "success"
        self._write(
            "platform.report", requestId=invocation.request_id, status=status, metrics=metrics
        )

    def _write(self, event_type: str, **record: object) -> None:
        """Source: "Lambda Telemetry API Event schema reference" in the Lambda developer guide."""
        event = {"time": datetime.now(UTC).isoformat(), "type": event_type, "record": record}
        self._log.write(json.dumps(event).encode() + b"\n")
        self._log.flush()


def _timed_out(request_id: str, seconds: float) -> InvocationResult:
    message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
    return failure("Sandbox.Timedout", message)
