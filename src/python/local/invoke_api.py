"""Lambda's API, as far as the local cloud speaks it: invoke, get and list functions.

Source: "Invoke", "GetFunction", "GetFunctionConfiguration" and "ListFunctions" in the Lambda API
reference.
"""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterable, Mapping

from aiohttp import web

from local import account
from local.asynchronous_invocation import MAXIMUM_EVENT, AsynchronousInvocations
from local.function import Function
from local.invocation import MAXIMUM_PAYLOAD, Invocation

VERSION = "/2015-03-31"
MAXIMUM_ITEMS = 50  # functions in one answer
# A name, a partial ARN or an ARN, each perhaps with a qualifier.
IDENTIFIER = re.compile(
    r"(?:(?:arn:aws:lambda:[a-z0-9-]+:)?\d{12}:function:)?([a-zA-Z0-9_-]+)(?::([a-zA-Z0-9$_-]+))?"
)


class InvokeApi:
    """Takes requests as the AWS SDKs send them, under the functions' deployed names."""

    def __init__(self, functions: Iterable[Function], events: AsynchronousInvocations) -> None:
        self._functions = {function.name: function for function in functions}
        self._events = events

    def add_routes(self, router: web.UrlDispatcher) -> None:
        one = f"{VERSION}/functions/{{name}}"
        router.add_get(f"{VERSION}/functions{{_:/?}}", self._list)
        router.add_get(one, self._get)
        router.add_get(f"{one}/configuration", self._get_configuration)
        router.add_post(f"{one}/invocations", self._invoke)

    async def _list(self, request: web.Request) -> web.Response:
        _require_signature(request)
        maximum = int(request.query.get("MaxItems", MAXIMUM_ITEMS))
        names = [name for name in sorted(self._functions) if name > request.query.get("Marker", "")]
        page = names[: min(maximum, MAXIMUM_ITEMS)]
        marker = page[-1] if len(names) > len(page) else None
        functions = [_configuration(self._functions[name]) for name in page]
        return _answer(200, {"Functions": functions, "NextMarker": marker})

    async def _get(self, request: web.Request) -> web.Response:
        function = self._function(request)
        code = {"RepositoryType": "S3", "Location": f"dist/{function.manifest.zip.file}"}
        document: dict[str, object] = {"Configuration": _configuration(function), "Code": code}
        reserved = function.manifest.reserved_concurrency
        if reserved is not None:
            document["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return _answer(200, document)

    async def _get_configuration(self, request: web.Request) -> web.Response:
        return _answer(200, _configuration(self._function(request)))

    async def _invoke(self, request: web.Request) -> web.Response:
        function = self._function(request)
        invocation_type = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        match invocation_type:
            case "RequestResponse":
                invocation = await _invocation(request, MAXIMUM_PAYLOAD)
                return await _run(function, invocation, request.headers.get("X-Amz-Log-Type"))
            case "Event":
                invocation = await _invocation(request, MAXIMUM_EVENT)
                self._events.put(function, invocation)
                return _answer(202, request_id=invocation.request_id)
            case "DryRun":
                return _answer(204)
        message = (
            f"Value '{invocation_type}' at 'invocationType' failed to satisfy constraint: Member "
            "must satisfy enum value set: [RequestResponse, Event, DryRun]"
        )
        raise _refusal(web.HTTPBadRequest(), "InvalidParameterValueException", message)

    def _function(self, request: web.Request) -> Function:
        _require_signature(request)
        identifier = IDENTIFIER.fullmatch(request.match_info["name"])
        if identifier is None:
            message = f"{request.match_info['name']!r} is neither a function's name nor its ARN"
            raise _refusal(web.HTTPBadRequest(), "ValidationException", message)
        name, qualifier = identifier.groups()
        qualifier = request.query.get("Qualifier", qualifier)
        function = self._functions.get(name)
        if function is None or qualifier not in (None, "$LATEST"):
            arn = f"arn:aws:lambda:{account.REGION}:{account.ACCOUNT_ID}:function:{name}"
            arn += f":{qualifier}" if qualifier else ""
            message = f"Function not found: {arn}"
            raise _refusal(web.HTTPNotFound(), "ResourceNotFoundException", message)
        return function


async def _invocation(request: web.Request, maximum: int) -> Invocation:
    try:
        payload = await request.read() or b"{}"
        if len(payload) > maximum:
            raise web.HTTPRequestEntityTooLarge(maximum, len(payload))
    except web.HTTPRequestEntityTooLarge as error:
        message = f"Request must be smaller than {maximum} bytes for the InvokeFunction operation"
        raise _refusal(error, "RequestTooLargeException", message) from None
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise _refusal(web.HTTPBadRequest(), "InvalidRequestContentException", message) from error
    context = request.headers.get("X-Amz-Client-Context")
    if context is None:
        return Invocation(payload)
    try:
        return Invocation(payload, base64.b64decode(context, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        message = "Client context must be a valid Base64-encoded JSON object."
        raise _refusal(web.HTTPBadRequest(), "InvalidRequestContentException", message) from None


async def _run(function: Function, invocation: Invocation, log_type: str | None) -> web.Response:
    result = await function.run(invocation)
    if result.throttled:
        reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        error = web.HTTPTooManyRequests(headers={"Retry-After": "1"})
        raise _refusal(error, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)
    headers = {"X-Amz-Executed-Version": "$LATEST"}
    if result.failed:
        headers["X-Amz-Function-Error"] = "Unhandled"
    if log_type == "Tail":
        headers["X-Amz-Log-Result"] = base64.b64encode(result.log).decode()
    return _answer(200, result.payload, headers, invocation.request_id)


def _configuration(function: Function) -> dict[str, object]:
    manifest = function.manifest
    return {
        "FunctionName": function.name,
        "FunctionArn": account.function_arn(manifest.name),
        "Runtime": manifest.runtime,
        "Role": f"arn:aws:iam::{account.ACCOUNT_ID}:role/{function.name}",
        "Handler": manifest.handler,
        "CodeSize": manifest.zip.size,
        "CodeSha256": base64.b64encode(bytes.fromhex(manifest.zip.sha256)).decode(),
        "Timeout": manifest.timeout,
        "MemorySize": manifest.memory,
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [manifest.architecture],
    }


def _require_signature(request: web.Request) -> None:
    # Whose signature it is doesn't matter here, but a web page open in a browser can't send one.
    if not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
        raise _refusal(
            web.HTTPForbidden(),
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )


def _refusal[E: web.HTTPClientError](error: E, error_type: str, message: str, **fields: str) -> E:
    """The error in the form that the AWS SDKs read."""
    error.text = json.dumps({"Type": "User", "Message": message, **fields})
    error.content_type = "application/json"
    error.headers["X-Amzn-ErrorType"] = error_type
    error.headers["X-Amzn-RequestId"] = str(uuid.uuid4())
    return error


def _answer(
    status: int,
    body: bytes | Mapping[str, object] = b"",
    headers: Mapping[str, str] | None = None,
    request_id: str | None = None,
) -> web.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    common = {"X-Amzn-RequestId": request_id or str(uuid.uuid4())}
    if content:
        common["Content-Type"] = "application/json"
    return web.Response(status=status, body=content, headers={**common, **(headers or {})})
