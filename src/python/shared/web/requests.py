"""Requests that a browser sends to the pages, through an API Gateway HTTP API.

Source: "Working with AWS Lambda proxy integrations for HTTP APIs", payload format version 2.0.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import msgspec

from shared import http_api
from shared.errors import InvalidRequest
from shared.http_api import Refused

MAXIMUM_FIELDS = 50


class Http(msgspec.Struct, frozen=True, rename="camel"):
    """What API Gateway says of the request itself, none of which the client can forge."""

    method: str
    source_ip: str


class Context(msgspec.Struct, frozen=True):
    """Where Http is."""

    http: Http


class PageRequest(http_api.Request, frozen=True):
    """A browser's request, as far as it is used."""

    context: Context = msgspec.field(name="requestContext", default=Context(Http("", "")))
    path: str = msgspec.field(name="rawPath", default="/")
    query_string: str = msgspec.field(name="rawQueryString", default="")
    cookies: list[str] = msgspec.field(default_factory=list)

    @property
    def method(self) -> str:
        """GET, POST and so on."""
        return self.context.http.method

    @property
    def target(self) -> str:
        """The path with its query, as it stands in a link."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path


def parse(event: object) -> PageRequest:
    """The request that an invocation is for; raises InvalidRequest for one that is for none."""
    try:
        return msgspec.convert(event, PageRequest)
    except msgspec.ValidationError as error:
        raise InvalidRequest(
            f"The pages are for a browser, by way of API Gateway: {error}"
        ) from None


def query(request: PageRequest) -> dict[str, str]:
    """The fields of the query that are not empty; raises Refused."""
    return _fields(request.query_string)


def form(request: PageRequest) -> dict[str, str]:
    """The fields of a posted form that are not empty; raises Refused."""
    return _fields(http_api.body(request).decode("utf-8", "replace"))


def cookie(request: PageRequest, name: str) -> str | None:
    """The value of the first cookie of that name."""
    pairs = (item.partition("=") for item in request.cookies)
    return next((value for key, _, value in pairs if key == name), None)


def require_same_origin(request: PageRequest) -> None:
    """Raises Refused unless a page of our own made the request.

    Browsers say so in Sec-Fetch-Site ("Fetch Metadata Request Headers", W3C), older ones in Origin
    (RFC 6454); no page can set or leave out either.
    """
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        same = site == "same-origin"
    else:
        same = origin is not None and urlsplit(origin).netloc == headers.get("host")
    if not same:
        raise Refused(HTTPStatus.FORBIDDEN, "This form was sent by another site")


def _fields(encoded: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(encoded, max_num_fields=MAXIMUM_FIELDS))
    except ValueError:
        raise Refused(
            HTTPStatus.BAD_REQUEST, f"There are more than {MAXIMUM_FIELDS} fields"
        ) from None
