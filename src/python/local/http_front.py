"""API Gateway's HTTP API in front of the functions with an http trigger.

Source: "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway", payload format 2.0,
and "Create routes for HTTP APIs in API Gateway".
"""

import base64
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local.account import ACCOUNT_ID
from local.function import Function
from local.invocation import MAXIMUM_PAYLOAD, InvocationResult

MAXIMUM_BODY = 10 * 1024 * 1024  # bytes, by API Gateway's quotas
TEXT = re.compile(r"text/.*|application/(.+\+)?(json|xml|javascript)")

type Handler = Callable[[web.Request], Awaitable[web.Response]]


class HttpFront:
    """Sends requests to the functions that have their routes, and answers 404 to all others."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[Sequence[str], Function]] = {}
        self._router = web.UrlDispatcher()

    def put(self, function: Function, routes: Sequence[str]) -> None:
        """Gives a function these route keys, such as `POST /errors`, and no others."""
        self._routes[function.name] = (routes, function)
        self._router = _router(self._routes.values())

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", "/{_:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        match = await self._router.resolve(request)
        if match.http_exception is not None:
            return _message(404, "Not Found")
        request.match_info.clear()
        request.match_info.update(match)
        return await match.handler(request)


def _router(functions: Iterable[tuple[Sequence[str], Function]]) -> web.UrlDispatcher:
    router = web.UrlDispatcher()
    routes = [(route_key, function) for keys, function in functions for route_key in keys]
    for route_key, function in sorted(routes, key=_specificity):
        method, path = route_key.split(" ")
        path = re.sub(r"\{(\w+)\+\}", r"{\1:.+}", path)  # a greedy path variable
        integration = _integration(route_key, function)
        router.add_route("*" if method == "ANY" else method, path, integration)
    return router


def _specificity(route: tuple[str, Function]) -> tuple[int, bool, str]:
    """The router takes the first that matches: a greedy path and any method come last."""
    method, path = route[0].split(" ")
    return path.count("+}"), method == "ANY", path


def _integration(route_key: str, function: Function) -> Handler:
    async def integration(request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _message(413, "Request Entity Too Large")
        event = request_event(request, body, route_key, str(uuid.uuid4()), datetime.now(UTC))
        payload = json.dumps(event).encode()
        if len(payload) > MAXIMUM_PAYLOAD:  # Lambda's limit, below API Gateway's own
            return _message(413, "Request Entity Too Large")
        return response(await function.invoke(payload))

    return integration


def request_event(
    request: web.Request, body: bytes, route_key: str, request_id: str, now: datetime
) -> dict[str, Any]:
    """The event that a function gets for an HTTP request."""
    headers = {
        name.lower(): ",".join(request.headers.getall(name))
        for name in request.headers
        if name.lower() != "cookie"
    }
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query_string,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": "local",
            "domainName": request.host,
            "domainPrefix": "local",
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.remote,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    if request.query:
        event["queryStringParameters"] = {
            name: ",".join(request.query.getall(name)) for name in request.query
        }
    if request.headers.getall("Cookie", []):
        cookies = "; ".join(request.headers.getall("Cookie"))
        event["cookies"] = cookies.split("; ")
    if request.match_info:
        event["pathParameters"] = dict(request.match_info)
    if body:
        text = _text(body, request)
        event["isBase64Encoded"] = text is None
        event["body"] = base64.b64encode(body).decode() if text is None else text
    return event


def _text(body: bytes, request: web.Request) -> str | None:
    if "Content-Encoding" in request.headers or not TEXT.fullmatch(request.content_type):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def response(result: InvocationResult) -> web.Response:
    """The HTTP response for a function's answer: formatted by the function, or else its JSON."""
    if result.failed:
        return _message(500, "Internal Server Error")
    answer = json.loads(result.payload)
    if isinstance(answer, str):
        return web.Response(text=answer, content_type="application/json")
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return web.json_response(answer)
    try:
        return _formatted(answer)
    except (AttributeError, TypeError, ValueError):
        return _message(500, "Internal Server Error")


def _formatted(answer: Mapping[str, Any]) -> web.Response:
    body = answer.get("body") or ""
    formatted = web.Response(
        status=int(answer["statusCode"]),
        body=base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode(),
        headers={"Content-Type": "text/plain;charset=utf-8"},
    )
    formatted.headers.update({k: str(v) for k, v in (answer.get("headers") or {}).items()})
    for cookie in answer.get("cookies") or []:
        formatted.headers.add("Set-Cookie", cookie)
    return formatted


def _message(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
