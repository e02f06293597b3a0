"""The process of a function under AWS's runtime interface client, within its limits."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import IO, Any

from local import child_process
from local.function_configuration import FunctionConfiguration
from local.invocation import Invocation, InvocationResult, failure
from local.limited_disk import limited
from local.runtime_api import RuntimeApi

MEMORY_CHECK_SECONDS = 0.05
TEMPORARY_SIZE = 512 * 2**20  # bytes, Lambda's default for /tmp
# The interpreter itself: the one we run on may be of a virtual environment with packages.
INTERPRETER = os.path.realpath(sys.executable)
PEAK_MEMORY = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class RuntimeProcess:
    """A process is started once, initialized once, and then answers invocations in turn.

    It is killed when it has ever had more memory than the function's. `max_memory` is the most it
    had, in bytes.
    """

    def __init__(self, configuration: FunctionConfiguration) -> None:
        self.max_memory = 0
        self._configuration = configuration
        self._api = RuntimeApi()
        self._stack = AsyncExitStack()
        self._process: Process | None = None
        self._exit: asyncio.Task[int] | None = None  # its result is the status, as of Process
        self._request_id = ""

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(
        self, code: Path, temporary: Path, variables: Mapping[str, str], log: IO[bytes]
    ) -> None:
        await self._stack.enter_async_context(self._api.serving())
        self._process = await child_process.start(
            [INTERPRETER, "-S", "-B", "-m", "awslambdaric", self._configuration.handler],
            directory=code,
            variables={**variables, "AWS_LAMBDA_RUNTIME_API": self._api.address},
            log=log,
            respects_permissions=True,
            prepare_disk=limited(temporary, TEMPORARY_SIZE),
        )
        self._stack.push_async_callback(child_process.stop, self._process)
        self._exit = asyncio.create_task(self._process.wait())
        self._stack.callback(self._exit.cancel)

    async def initialize(self) -> InvocationResult | None:
        """Waits for the end of the function's init code; returns its failure, if it fails."""
        return await self._within_memory(self._api.initialized)

    async def answer(self, invocation: Invocation, deadline: float) -> InvocationResult:
        """Runs the function; `deadline` (seconds since the epoch) is only told to it."""
        self._request_id = invocation.request_id
        self._api.hand_over(invocation, deadline)
        return await self._within_memory(self._api.result)

    async def stop(self) -> None:
        """Kills the process and frees its port."""
        await self._stack.aclose()

    async def _within_memory[T](self, answer: asyncio.Future[T]) -> T | InvocationResult:
        assert self._process is not None
        assert self._exit is not None
        either: list[asyncio.Future[Any]] = [answer, self._exit]
        while True:
            await asyncio.wait(
                either, timeout=MEMORY_CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if not self._has_memory_left():
                if self.alive:
                    self._process.kill()
                await self._process.wait()
                return self._exit_error(-signal.SIGKILL)
            if answer.done():
                return answer.result()
            if self._exit.done():
                return self._exit_error(self._exit.result())

    def _has_memory_left(self) -> bool:
        # The kernel keeps the peak: what is used and given back between two looks counts too.
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status")
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            if peak := PEAK_MEMORY.search(status.read_text()):
                self.max_memory = int(peak[1]) * 1024
        return self.max_memory <= self._configuration.memory * 2**20

    def _exit_error(self, status: int) -> InvocationResult:
        """The words are those of the Go library that watches the runtime on AWS."""
        if status == 0:
            reason = "Runtime exited without providing a reason"
        elif status > 0:
            reason = f"Runtime exited with error: exit status {status}"
        else:
            description = (signal.strsignal(-status) or str(-status)).lower()
            reason = f"Runtime exited with error: signal: {description}"
        return failure("Runtime.ExitError", f"RequestId: {self._request_id} Error: {reason}")
