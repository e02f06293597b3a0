"""How Lambda's API answers and refuses, and names functions: what its operations have in common.

Source: "Common errors" and the operations' own errors in the Lambda API reference.
"""

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

from local import account
from local.function import Function

MAXIMUM_ITEMS = 50  # in one answer
# The largest request Lambda takes in bytes: a zip of 50 MB in base64, and what is around it.
MAXIMUM_REQUEST = 70_167_211
# A name, a partial ARN or an ARN, each perhaps with a qualifier.
IDENTIFIER = re.compile(
    r"(?:(?:arn:aws:lambda:[a-z0-9-]+:)?\d{12}:function:)?([a-zA-Z0-9_-]+)(?::([a-zA-Z0-9$_-]+))?"
)

type Handler = Callable[[web.Request], Awaitable[web.Response]]


def signed(handler: Handler) -> Handler:
    """Refuses a request without a signature.

    Whose signature it is doesn't matter here, but a web page open in a browser can't send one.
    """

    async def with_signature(request: web.Request) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise refusal(
                web.HTTPForbidden(),
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            )
        return await handler(request)

    return with_signature


def identified(identifier: str) -> tuple[str, str | None]:
    """The name and the qualifier in what a request calls a function."""
    match = IDENTIFIER.fullmatch(identifier)
    if match is None:
        raise refusal(
            web.HTTPBadRequest(),
            "ValidationException",
            f"{identifier!r} is neither a function's name nor its ARN",
        )
    return match[1], match[2]


def requested(
    request: web.Request, functions: Mapping[str, Function]
) -> tuple[Function, str | None]:
    """The function, and the version or alias, that a request's path and query name."""
    name, qualifier = identified(request.match_info["name"])
    qualifier = request.query.get("Qualifier", qualifier)
    return found(functions, name, qualifier), qualifier


def latest(request: web.Request, functions: Mapping[str, Function]) -> Function:
    """The function that a request's path names: what the request does, it does to `$LATEST`."""
    name, _ = identified(request.match_info["name"])
    return found(functions, name, None)


def found(functions: Mapping[str, Function], name: str, qualifier: str | None) -> Function:
    """The function with this name, if it has what the qualifier names."""
    try:
        function = functions[name]
        function.configuration(qualifier)
    except KeyError:
        raise not_found(f"Function not found: {account.function_arn(name, qualifier)}") from None
    return function


async def decoded[T](request: web.Request, form: type[T]) -> T:
    """The request's JSON document as an instance of `form`."""
    try:
        body = await request.clone(client_max_size=MAXIMUM_REQUEST).read()
    except web.HTTPRequestEntityTooLarge as error:
        message = f"Request must be smaller than {MAXIMUM_REQUEST} bytes"
        raise refusal(error, "RequestEntityTooLargeException", message) from None
    try:
        return msgspec.json.decode(body or b"{}", type=form)
    except msgspec.ValidationError as error:
        message = f"1 validation error detected: {error}"
        raise refusal(web.HTTPBadRequest(), "ValidationException", message) from error
    except msgspec.DecodeError as error:
        raise refusal(web.HTTPBadRequest(), "SerializationException", str(error)) from error


def page[T](
    name: str,
    items: Mapping[str, T],
    document: Callable[[T], Mapping[str, object]],
    request: web.Request,
) -> web.Response:
    """Answers a list request: under `name`, the documents of the items, ordered by their keys.

    A marker is the key of the last item of the page before.
    """
    maximum = request.query.get("MaxItems", str(MAXIMUM_ITEMS))
    if not maximum.isdecimal() or int(maximum) == 0:
        raise invalid(f"MaxItems is {maximum}: it has to be 1 at least")
    keys = [key for key in sorted(items) if key > request.query.get("Marker", "")]
    shown = keys[: min(int(maximum), MAXIMUM_ITEMS)]
    documents = [document(items[key]) for key in shown]
    return answer(200, {name: documents, "NextMarker": shown[-1] if shown != keys else None})


def invalid(message: str) -> web.HTTPBadRequest:
    return refusal(web.HTTPBadRequest(), "InvalidParameterValueException", message)


def not_found(message: str) -> web.HTTPNotFound:
    return refusal(web.HTTPNotFound(), "ResourceNotFoundException", message)


def conflict(message: str) -> web.HTTPConflict:
    return refusal(web.HTTPConflict(), "ResourceConflictException", message)


def require_revision(requested: str | None, current: str) -> None:
    """Refuses a change that was made for another revision than the current one."""
    if requested is not None and requested != current:
        raise refusal(
            web.HTTPPreconditionFailed(),
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId. Call the "
            "GetFunction/GetAlias API to retrieve the latest RevisionId",
        )


def refusal[E: web.HTTPClientError](error: E, error_type: str, message: str, **fields: str) -> E:
    """The error in the form that the AWS SDKs read."""
    error.text = json.dumps({"Type": "User", "Message": message, **fields})
    error.content_type = "application/json"
    error.headers["X-Amzn-ErrorType"] = error_type
    error.headers["X-Amzn-RequestId"] = str(uuid.uuid4())
    return error


def answer(
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
