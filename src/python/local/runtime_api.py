"""Lambda's Runtime API, as one execution environment sees it.

Source: "Using the Lambda runtime API for custom runtimes" in the Lambda developer guide.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from local.invocation import MAXIMUM_RESPONSE, Invocation, InvocationResult, failure

VERSION = "/2018-06-01/runtime"


class RuntimeApi:
    """Hands invocations to the runtime client of one environment and takes what it answers.

    `initialized` is done when the client asks for its first invocation (None) or reports that
    init failed (the result). `result` is done when the client has answered an invocation.
    """

    def __init__(self) -> None:
        self.address = ""
        self.initialized: asyncio.Future[InvocationResult | None] = asyncio.Future()
        self.result: asyncio.Future[InvocationResult] = asyncio.Future()
        self._invocations: asyncio.Queue[tuple[Invocation, float]] = asyncio.Queue()
        self._current: Invocation | None = None

    def hand_over(self, invocation: Invocation, deadline: float) -> None:
        """Gives the client its next invocation; `result` is then the future of this one.

        `deadline` is in seconds since the epoch.
        """
        self.result = asyncio.Future()
        self._invocations.put_nowait((invocation, deadline))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serves the API on a port of its own, as nothing in a request says whose it is."""
        application = web.Application(client_max_size=0)
        application.router.add_get(f"{VERSION}/invocation/next", self._next)
        application.router.add_post(f"{VERSION}/invocation/{{id}}/response", self._response)
        application.router.add_post(f"{VERSION}/invocation/{{id}}/error", self._error)
        application.router.add_post(f"{VERSION}/init/error", self._init_error)
        runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=0.01,
            handler_cancellation=True,  # when its process ends, nobody waits for the next any more
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0]
            self.address = f"{host}:{port}"
            yield
        finally:
            await runner.cleanup()

    async def _next(self, request: web.Request) -> web.Response:
        if not self.initialized.done():
            self.initialized.set_result(None)
        self._current, deadline = await self._invocations.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self._current.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._current.function_arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
            "Content-Type": "application/json",
        }
        if self._current.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = self._current.client_context
        return web.Response(body=self._current.payload, headers=headers)

    async def _response(self, request: web.Request) -> web.Response:
        payload = await request.read()
        if len(payload) > MAXIMUM_RESPONSE:
            message = (
                "Response payload size exceeded maximum allowed payload size "
                f"({MAXIMUM_RESPONSE} bytes)."
            )
            return self._answered(request, failure("Function.ResponseSizeTooLarge", message))
        return self._answered(request, InvocationResult(payload))

    async def _error(self, request: web.Request) -> web.Response:
        return self._answered(request, InvocationResult(await request.read(), failed=True))

    async def _init_error(self, request: web.Request) -> web.Response:
        if not self.initialized.done():
            self.initialized.set_result(InvocationResult(await request.read(), failed=True))
        return _accepted()

    def _answered(self, request: web.Request, result: InvocationResult) -> web.Response:
        if self._current is None or self._current.request_id != request.match_info["id"]:
            error = {"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"}
            return web.json_response(error, status=400)
        if not self.result.done():
            self.result.set_result(result)
        return _accepted()


def _accepted() -> web.Response:
    return web.json_response({"status": "OK"}, status=202)
