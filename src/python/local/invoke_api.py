"""Lambda's API, as far as the local cloud speaks it: invoke a function, list the functions.

Source: "Invoke" and "ListFunctions" in the Lambda API reference.
"""

import asyncio
import base64
import json
import uuid
from collections.abc import Iterable, Mapping

from aiohttp import web

from local import account
from local.function import Function
from local.invocation import MAXIMUM_PAYLOAD

VERSION = "/2015-03-31"


class InvokeApi:
    """Takes requests as the AWS SDKs send them, under the functions' deployed names."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = {function.name: function for function in functions}
        self._events: set[asyncio.Task[object]] = set()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get(f"{VERSION}/functions{{_:/?}}", self._list)
        router.add_post(f"{VERSION}/functions/{{name}}/invocations", self._invoke)

    async def _list(self, request: web.Request) -> web.Response:
        if not _is_signed(request):
            return _missing_authentication()
        functions = [_configuration(self._functions[name]) for name in sorted(self._functions)]
        return web.json_response({"Functions": functions, "NextMarker": None})

    async def _invoke(self, request: web.Request) -> web.Response:
        if not _is_signed(request):
            return _missing_authentication()
        name = request.match_info["name"]
        function = self._functions.get(name)
        if function is None:
            arn = f"arn:aws:lambda:{account.REGION}:{account.ACCOUNT_ID}:function:{name}"
            return _error(404, "ResourceNotFoundException", f"Function not found: {arn}")
        payload = await request.read() or b"{}"
        if len(payload) > MAXIMUM_PAYLOAD:
            message = f"Request must be smaller than {MAXIMUM_PAYLOAD} bytes"
            return _error(413, "RequestTooLargeException", message)
        try:
            json.loads(payload)
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return _error(400, "InvalidRequestContentException", message)
        match request.headers.get("X-Amz-Invocation-Type", "RequestResponse"):
            case "RequestResponse":
                result = await function.invoke(payload)
                headers = {"X-Amz-Executed-Version": "$LATEST", "Content-Type": "application/json"}
                if result.failed:
                    headers["X-Amz-Function-Error"] = "Unhandled"
                return _answer(200, result.payload, headers)
            case "Event":
                task = asyncio.create_task(function.invoke(payload))
                self._events.add(task)
                task.add_done_callback(self._events.discard)
                return _answer(202)
            case "DryRun":
                return _answer(204)
            case other:
                message = f"InvocationType {other} is none of Event, RequestResponse, DryRun"
                return _error(400, "InvalidParameterValueException", message)


def _configuration(function: Function) -> dict[str, object]:
    manifest = function.manifest
    return {
        "FunctionName": function.name,
        "FunctionArn": account.function_arn(manifest.name),
        "Runtime": manifest.runtime,
        "Handler": manifest.handler,
        "CodeSize": manifest.zip.size,
        "CodeSha256": base64.b64encode(bytes.fromhex(manifest.zip.sha256)).decode(),
        "Timeout": manifest.timeout,
        "MemorySize": manifest.memory,
        "Version": "$LATEST",
        "PackageType": "Zip",
        "Architectures": [manifest.architecture],
    }


def _is_signed(request: web.Request) -> bool:
    # Whose signature it is doesn't matter here, but a web page open in a browser can't send one.
    return request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 ")


def _missing_authentication() -> web.Response:
    return _error(403, "MissingAuthenticationTokenException", "Missing Authentication Token")


def _error(status: int, error_type: str, message: str) -> web.Response:
    document = {"Type": "User", "Message": message}
    headers = {"X-Amzn-ErrorType": error_type, "Content-Type": "application/json"}
    return _answer(status, json.dumps(document).encode(), headers)


def _answer(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> web.Response:
    request_id = {"X-Amzn-RequestId": str(uuid.uuid4())}
    return web.Response(status=status, body=body, headers={**(headers or {}), **request_id})
