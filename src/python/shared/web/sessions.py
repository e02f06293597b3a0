"""The cookie that says whose session a request is in. The database holds only its hash.

Source: "Cookies: HTTP State Management Mechanism", RFC 6265bis, for the attributes and `__Host-`.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from shared.errors import Misconfiguration
from shared.web.requests import PageRequest, cookie

LIFETIME = timedelta(hours=12)


class SessionCookie:
    """The session's cookie in this ENVIRONMENT; raises Misconfiguration when that is not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        if not environment.get("ENVIRONMENT"):
            raise Misconfiguration("ENVIRONMENT must name the environment, such as local or prod")
        # The local cloud has no TLS, without which browsers take neither the prefix nor Secure.
        encrypted = environment["ENVIRONMENT"] != "local"
        self.name = "__Host-session" if encrypted else "session"
        self._attributes = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if encrypted else "")

    def token(self, request: PageRequest) -> str | None:
        """What the browser sent."""
        return cookie(request, self.name)

    def keep(self, token: str) -> str:
        """The Set-Cookie header of a new session."""
        age = int(LIFETIME.total_seconds())
        return f"{self.name}={token}; Max-Age={age}; {self._attributes}"

    def drop(self) -> str:
        """The Set-Cookie header that ends a session in the browser."""
        return f"{self.name}=; Max-Age=0; {self._attributes}"


def token_sha256(token: str) -> bytes:
    """What the database knows a session by."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
