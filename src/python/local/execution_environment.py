"""One execution environment: it runs one function, one invocation at a time.

Source: "Understanding the Lambda execution environment lifecycle" in the Lambda developer guide.
"""

import asyncio
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from local import account, function_code
from local.function_configuration import FunctionConfiguration
from local.function_log import LogStream, end_lines, init_report_line, start_line
from local.invocation import Invocation, InvocationResult, failure
from local.runtime_process import RuntimeProcess

INIT_SECONDS = 10.0


class ExecutionEnvironment:
    """An environment is started, then invoked any number of times in turn, then stopped.

    `state` is the directory where it finds the code and the runtime client, and leaves its log.
    """

    def __init__(
        self, configuration: FunctionConfiguration, state: Path, variables: Mapping[str, str]
    ) -> None:
        self._configuration = configuration
        self._code = function_code.directory(state, configuration.sha256)
        self._state = state
        self._id = secrets.token_hex(16)
        self._temporary = state / "tmp" / self._id
        self._variables = {**self._lambda_variables(), **variables, **configuration.variables}
        self._process: RuntimeProcess | None = None
        self._init_seconds: float | None = None
        self._failed = False
        self._stack = AsyncExitStack()

    @property
    def usable(self) -> bool:
        """Whether it can take another invocation: no timeout, no failed init, no dead process."""
        return not self._failed and (self._process is None or self._process.alive)

    async def start(self) -> None:
        """Runs the init phase. When it fails, the first invocation begins with another try."""
        self._temporary.mkdir(parents=True)
        self._stack.callback(shutil.rmtree, self._temporary, ignore_errors=True)
        log = self._state / "logs" / self._configuration.name / f"{self._id}.log"
        self._log = LogStream(log)
        self._stack.callback(self._log.close)
        started = time.monotonic()
        try:
            async with asyncio.timeout(INIT_SECONDS):
                failed = await self._initialize()
        except TimeoutError:
            failed = _timed_out("", INIT_SECONDS)
        seconds = time.monotonic() - started
        if failed is None:
            self._init_seconds = seconds
        else:
            self._log.write(init_report_line(failed, seconds))
            await self._end_process()

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Runs the function, and kills its process when the function's time is over."""
        position = self._log.size
        self._log.write(start_line(invocation.request_id, self._configuration.version))
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._configuration.timeout):
                result = await self._run(invocation)
        except TimeoutError:
            self._failed = True
            result = _timed_out(invocation.request_id, self._configuration.timeout)
        seconds = time.monotonic() - started
        memory = 0 if self._process is None else self._process.max_memory
        lines = end_lines(
            invocation.request_id,
            self._configuration,
            result,
            seconds=seconds,
            init_seconds=self._init_seconds,
            memory=memory,
        )
        if not self.usable:
            await self._end_process()
        self._log.write(lines)
        self._init_seconds = None
        return replace(
            result,
            log=self._log.tail(position),
            executed_version=self._configuration.version,
        )

    async def stop(self) -> None:
        """Kills the process, and removes what it has in its temporary directory."""
        await self._end_process()
        await self._stack.aclose()

    async def _run(self, invocation: Invocation) -> InvocationResult:
        deadline = time.time() + self._configuration.timeout
        if self._process is None:
            failed = await self._initialize()
            if failed is not None:
                self._failed = True
                return failed
        assert self._process is not None
        return await self._process.answer(invocation, deadline)

    async def _initialize(self) -> InvocationResult | None:
        self._process = RuntimeProcess(self._configuration)
        await self._process.start(self._code, self._temporary, self._variables, self._log.file)
        return await self._process.initialize()

    async def _end_process(self) -> None:
        if self._process is not None:
            await self._process.stop()
            self._process = None

    def _lambda_variables(self) -> dict[str, str]:
        """Source: "Defined runtime environment variables" in the Lambda developer guide."""
        configuration = self._configuration
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{configuration.version}]{self._id}"
        return {
            "_HANDLER": configuration.handler,
            "AWS_REGION": account.REGION,
            "AWS_DEFAULT_REGION": account.REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory),
            "AWS_LAMBDA_FUNCTION_VERSION": configuration.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": configuration.log_format,
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{configuration.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_ACCESS_KEY_ID": account.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": account.SECRET_ACCESS_KEY,
            "LAMBDA_TASK_ROOT": str(self._code),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(self._state / "runtime"),
            "TMPDIR": str(self._temporary),  # on AWS /tmp itself is the environment's own
            "TZ": ":UTC",
        }


def _timed_out(request_id: str, seconds: float) -> InvocationResult:
    message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
    return failure("Sandbox.Timedout", message)
