"""Invoke, of Lambda's API.

Source: "Invoke" in the Lambda API reference.
"""

import base64
import binascii
import json
from collections.abc import Mapping

from aiohttp import web

from local.asynchronous_invocation import MAXIMUM_EVENT, AsynchronousInvocations
from local.function import Function
from local.invocation import MAXIMUM_PAYLOAD, Invocation
from local.lambda_api_protocol import answer, refusal, requested, signed


class InvokeApi:
    def __init__(self, functions: Mapping[str, Function], events: AsynchronousInvocations) -> None:
        self._functions = functions
        self._events = events

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/2015-03-31/functions/{name}/invocations", signed(self._invoke))

    async def _invoke(self, request: web.Request) -> web.Response:
        function, qualifier = requested(request, self._functions)
        invocation_type = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        match invocation_type:
            case "RequestResponse":
                invocation = await _invocation(request, MAXIMUM_PAYLOAD)
                log_type = request.headers.get("X-Amz-Log-Type")
                return await _run(function, qualifier, invocation, log_type)
            case "Event":
                invocation = await _invocation(request, MAXIMUM_EVENT)
                self._events.put(function, invocation, qualifier)
                return answer(202, request_id=invocation.request_id)
            case "DryRun":
                return answer(204)
        message = (
            f"Value '{invocation_type}' at 'invocationType' failed to satisfy constraint: Member "
            "must satisfy enum value set: [RequestResponse, Event, DryRun]"
        )
        raise refusal(web.HTTPBadRequest(), "InvalidParameterValueException", message)


async def _invocation(request: web.Request, maximum: int) -> Invocation:
    try:
        payload = await request.read() or b"{}"
        if len(payload) > maximum:
            raise web.HTTPRequestEntityTooLarge(maximum, len(payload))
    except web.HTTPRequestEntityTooLarge as error:
        message = f"Request must be smaller than {maximum} bytes for the InvokeFunction operation"
        raise refusal(error, "RequestTooLargeException", message) from None
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise refusal(web.HTTPBadRequest(), "InvalidRequestContentException", message) from error
    context = request.headers.get("X-Amz-Client-Context")
    if context is None:
        return Invocation(payload)
    try:
        return Invocation(payload, base64.b64decode(context, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        message = "Client context must be a valid Base64-encoded JSON object."
        raise refusal(web.HTTPBadRequest(), "InvalidRequestContentException", message) from None


async def _run(
    function: Function, qualifier: str | None, invocation: Invocation, log_type: str | None
) -> web.Response:
    result = await function.run(invocation, qualifier)
    if result.throttled:
        reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        error = web.HTTPTooManyRequests(headers={"Retry-After": "1"})
        raise refusal(error, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)
    headers = {"X-Amz-Executed-Version": result.executed_version}
    if result.failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if log_type == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(result.log).decode()
    return answer(200, result.payload, headers, invocation.request_id)
