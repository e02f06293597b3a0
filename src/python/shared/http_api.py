"""Requests and responses of an API Gateway HTTP API, payload format version 2.0.

Source: "Working with AWS Lambda proxy integrations for HTTP APIs", API Gateway developer guide.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from shared.errors import Misconfiguration
from shared.records import InvalidRecord, TooLarge, decompress

MAXIMUM_BODY_BYTES = 6 * 1024 * 1024  # decoded and decompressed

type Decompress = Callable[[bytes, int], bytes]
"""What data holds, at most so many bytes; raises InvalidRecord."""

GZIP: Mapping[str, Decompress] = {"gzip": decompress}


class Request(msgspec.Struct, frozen=True):
    """A request, as far as it is used."""

    headers: dict[str, str] = {}
    body: str | None = None
    is_base64_encoded: bool = msgspec.field(name="isBase64Encoded", default=False)
    path: str = msgspec.field(name="rawPath", default="")
    path_parameters: dict[str, str] = msgspec.field(name="pathParameters", default={})
    query: dict[str, str] = msgspec.field(name="queryStringParameters", default={})


class Refused(Exception):
    """A request that is answered without a look at its events."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def key_hashes(environment: Mapping[str, str]) -> list[str]:
    """The SHA-256 of each valid key, from API_KEY_SHA256; raises Misconfiguration."""
    hashes = environment.get("API_KEY_SHA256", "").split(",")
    if not all(re.fullmatch("[0-9a-f]{64}", item) for item in hashes):
        raise Misconfiguration(
            "API_KEY_SHA256 must hold the SHA-256 of each valid ingestion key:"
            " 64 lower-case hexadecimal digits each, separated by commas"
        )
    return hashes


def parse(event: object) -> Request | None:
    """The request that an invocation is for, or None for one that is for none; raises Refused."""
    if not isinstance(event, dict) or "requestContext" not in event:
        return None
    try:
        return msgspec.convert(event, Request)
    except msgspec.ValidationError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"Not a request: {error}") from None


def authorize(request: Request, hashes: list[str]) -> None:
    """Raises Refused unless the request carries a valid key."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if not is_valid(key, hashes):
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "A valid ingestion key is needed: Authorization: Bearer <key>, or X-Api-Key: <key>",
        )


def is_valid(key: str, hashes: list[str]) -> bool:
    """Whether one of the hashes is the key's; how soon the answer comes tells nothing of them."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    matches = [hmac.compare_digest(digest, item) for item in hashes]
    return any(matches)


def body(request: Request, encodings: Mapping[str, Decompress] = GZIP) -> bytes:
    """The request's body as the client meant it, at most MAXIMUM_BODY_BYTES; raises Refused.

    `encodings` are those that Content-Encoding may name.
    """
    too_large = Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body may hold at most {MAXIMUM_BODY_BYTES} bytes, decompressed",
    )
    try:
        data = (request.body or "").encode()
        if request.is_base64_encoded:
            data = base64.b64decode(data, validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Refused(HTTPStatus.BAD_REQUEST, "The body is not valid UTF-8 or base64") from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in encodings:
        try:
            data = encodings[encoding](data, MAXIMUM_BODY_BYTES)
        except TooLarge:
            raise too_large from None
        except InvalidRecord as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"The body cannot be read: {error}") from None
    elif encoding != "identity":
        names = ", ".join(encodings)
        raise Refused(HTTPStatus.BAD_REQUEST, f"Content-Encoding must be {names} or left out")
    if len(data) > MAXIMUM_BODY_BYTES:
        raise too_large
    return data


def response(
    status: HTTPStatus, content: Mapping[str, Any], retry_after: int | None = None
) -> dict[str, Any]:
    """A JSON response; retry_after in seconds."""
    headers = {"content-type": "application/json"}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return {
        "statusCode": status.value,
        "headers": headers,
        "body": msgspec.json.encode(content).decode(),
    }
