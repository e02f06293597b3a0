"""The pages on which people look at what came in: GET / and below."""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from psycopg2 import extensions

from handlers.index import core, pages
from shared.context import Context
from shared.database import Database
from shared.errors import Unavailable
from shared.http_api import Refused
from shared.web import requests, responses, templates
from shared.web.requests import PageRequest
from shared.web.sessions import SessionCookie, token_sha256

HERE = Path(__file__).parent
RETRY_AFTER = 5  # seconds, when the database does not answer

_logger = logging.getLogger(__name__)
_database = Database(os.environ)
_cookie = SessionCookie(os.environ)
_script = templates.asset(HERE / "follow.js")
_assets = {asset.path: asset for asset in (templates.STYLESHEET, templates.ICON, _script)}
_templates = pages.prepare(templates.environment(HERE), _script.path, os.environ["ENVIRONMENT"])

type Read = Callable[[extensions.cursor], pages.Page]


def index(event: object, context: Context) -> dict[str, Any]:
    """Answers a browser. Raises InvalidRequest and Misconfiguration."""
    request = requests.parse(event)
    if (asset := _assets.get(request.path)) is not None:
        return responses.content(
            request,
            asset.body,
            content_type=asset.content_type,
            cache_control=responses.IMMUTABLE,
        )
    account = None
    try:
        account, page = _database.transaction(
            partial(_read, request, datetime.now(UTC)), context.get_remaining_time_in_millis
        )
        if account is None:
            target = "" if request.target == "/" else request.target
            return responses.redirect(core.link("/login", {"next": target}))
        status = HTTPStatus.OK
    except Refused as refusal:
        status, page = refusal.status, pages.problem(str(refusal))
    except Unavailable as error:
        _logger.error("%s", error)
        status = HTTPStatus.SERVICE_UNAVAILABLE
        page = pages.problem("The database does not answer. Try again in a moment.")
    body = _templates.get_template(page.template).render(account=account or "", **page.values)
    return responses.content(
        request,
        body.encode("utf-8", "replace"),
        status=status,
        cache_control=responses.REVALIDATED if status == HTTPStatus.OK else responses.NEVER_KEPT,
        headers={"retry-after": str(RETRY_AFTER)} if status.is_server_error else {},
    )


def _read(
    request: PageRequest, now: datetime, cursor: extensions.cursor
) -> tuple[str | None, pages.Page]:
    """Whose session it is, and what the page shows: nothing to nobody."""
    account = _account(cursor, _cookie.token(request))
    if account is None:
        return None, pages.problem("")
    return account, pages.read(request.path, requests.query(request), now, cursor)


def _account(cursor: extensions.cursor, token: str | None) -> str | None:
    if token is None:
        return None
    cursor.execute(
        "SELECT name FROM sessions JOIN accounts ON name = account"
        " AND accounts.password_changed_at = sessions.password_changed_at"
        " WHERE token_sha256 = %s AND expires_at > now()",
        (token_sha256(token),),
    )
    rows = cursor.fetchall()
    return str(rows[0][0]) if rows else None
