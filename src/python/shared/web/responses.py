"""Responses to a browser, with what keeps a page from doing anything but be shown.

Sources: "Content Security Policy Level 3", W3C; RFC 9110 and RFC 9111 (ETag, Cache-Control).
"""

import base64
import gzip
import hashlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from shared.web.requests import PageRequest

# Whose answer it is may change with a login; what is kept is asked about before it is shown again.
REVALIDATED = "private, no-cache"
NEVER_KEPT = "no-store"
IMMUTABLE = "public, max-age=31536000, immutable"

_COMPRESSED_BYTES = 1024  # below, it is not worth it
_SECURITY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Not "no-referrer": with that, browsers send no Origin either.
    "referrer-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}


def content(
    request: PageRequest,
    body: bytes,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    content_type: str = "text/html; charset=utf-8",
    cache_control: str = REVALIDATED,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A response with a body, or 304 when the browser has that body already."""
    all_headers = {
        **_SECURITY,
        "content-type": content_type,
        "cache-control": cache_control,
        "vary": "accept-encoding, cookie",
        **(headers or {}),
    }
    if cache_control != NEVER_KEPT and status == HTTPStatus.OK:
        # Weak: it is the same for the compressed body.
        all_headers["etag"] = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        known = request.headers.get("if-none-match", "").split(",")
        if all_headers["etag"] in map(str.strip, known):
            return {"statusCode": HTTPStatus.NOT_MODIFIED.value, "headers": all_headers}
    if len(body) >= _COMPRESSED_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        all_headers["content-encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=5, mtime=0)
    return {
        "statusCode": status.value,
        "headers": all_headers,
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def redirect(
    target: str, *, cookies: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Has the browser GET another page of ours."""
    all_headers = {"location": target, "cache-control": NEVER_KEPT, **_SECURITY, **(headers or {})}
    return {
        "statusCode": HTTPStatus.SEE_OTHER.value,
        "headers": all_headers,
        "cookies": list(cookies),
    }
