"""Opens and ends sessions: GET and POST /login, POST /logout."""

import logging
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from psycopg2 import extensions

from handlers.login import core
from shared.context import Context
from shared.database import Database
from shared.errors import Unavailable
from shared.http_api import Refused
from shared.web import requests, responses, templates
from shared.web.requests import PageRequest
from shared.web.sessions import LIFETIME, SessionCookie, token_sha256

RETRY_AFTER = 5  # seconds, when the database does not answer

_logger = logging.getLogger(__name__)
_database = Database(os.environ)
_cookie = SessionCookie(os.environ)
_hasher = PasswordHasher()
_template = templates.environment(Path(__file__).parent).get_template("login.html")


@dataclass(frozen=True)
class _Account:
    """What a password is held against; changed_at is None where there is no such account."""

    password_hash: str
    changed_at: datetime | None


def login(event: object, context: Context) -> dict[str, Any]:
    """Answers a browser. Raises InvalidRequest and Misconfiguration."""
    request = requests.parse(event)
    try:
        if request.method == "GET":
            target = core.safe_target(requests.query(request).get("next", ""))
            return _form(request, HTTPStatus.OK, target)
        requests.require_same_origin(request)
        if request.path == "/logout":
            return _log_out(request, context)
        return _log_in(request, context)
    except Refused as refusal:
        return _form(request, refusal.status, "/", str(refusal))
    except Unavailable as error:
        _logger.error("%s", error)
        problem = "The database does not answer. Try again in a moment."
        return _form(request, HTTPStatus.SERVICE_UNAVAILABLE, "/", problem, RETRY_AFTER)


def _log_in(request: PageRequest, context: Context) -> dict[str, Any]:
    remaining = context.get_remaining_time_in_millis
    attempt = core.attempt(requests.form(request), request.context.http.source_ip)
    account = _database.transaction(partial(_begin, attempt), remaining)
    if account is None:
        _logger.warning("An attempt to log in was throttled")
        minutes = int(core.WINDOW.total_seconds() // 60)
        problem = f"There were too many attempts. Try again in {minutes} minutes."
        status = HTTPStatus.TOO_MANY_REQUESTS
        return _form(request, status, attempt.target, problem, minutes * 60)
    try:
        _hasher.verify(account.password_hash, attempt.password)
    except VerifyMismatchError:
        account = _Account("", None)
    if account.changed_at is None:
        _logger.warning("An attempt to log in was refused")
        return _form(request, HTTPStatus.FORBIDDEN, attempt.target, core.REFUSED)
    token = secrets.token_urlsafe(32)
    _database.transaction(partial(_open, attempt, account, token), remaining)
    return responses.redirect(attempt.target, cookies=[_cookie.keep(token)])


def _begin(attempt: core.Attempt, cursor: extensions.cursor) -> _Account | None:
    """Counts an attempt, and returns what its password must fit; None when it is one too many."""
    # Attempts at the same time wait for each other, or all of them would be within the limit.
    for key in core.lock_keys(attempt):
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
    cursor.execute(
        "SELECT count(*) FILTER (WHERE subject_sha256 = %(account)s),"
        " count(*) FILTER (WHERE subject_sha256 = %(address)s) FROM login_attempts"
        " WHERE subject_sha256 IN (%(account)s, %(address)s)"
        " AND attempted_at > clock_timestamp() - %(window)s",
        {
            "account": attempt.account_sha256,
            "address": attempt.address_sha256,
            "window": core.WINDOW,
        },
    )
    ((of_account, of_address),) = cursor.fetchall()
    if core.is_throttled(of_account, of_address):
        return None
    cursor.execute(
        "INSERT INTO login_attempts (subject_sha256) VALUES (%s), (%s)",
        (attempt.account_sha256, attempt.address_sha256),
    )
    cursor.execute(
        "SELECT password_hash, password_changed_at FROM accounts WHERE name = %s",
        (attempt.name,),
    )
    rows = cursor.fetchall()
    return _Account(*rows[0]) if rows else _Account(core.NOBODY, None)


def _open(attempt: core.Attempt, account: _Account, token: str, cursor: extensions.cursor) -> None:
    """Stores a session, and clears away what is over."""
    cursor.execute(
        "INSERT INTO sessions (token_sha256, account, password_changed_at, expires_at)"
        " VALUES (%s, %s, %s, now() + %s) ON CONFLICT DO NOTHING",
        (token_sha256(token), attempt.name, account.changed_at, LIFETIME),
    )
    cursor.execute(
        "DELETE FROM login_attempts WHERE subject_sha256 = %s OR attempted_at < now() - %s",
        (attempt.account_sha256, core.WINDOW),
    )
    cursor.execute("DELETE FROM sessions WHERE expires_at < now()")


def _log_out(request: PageRequest, context: Context) -> dict[str, Any]:
    if (token := _cookie.token(request)) is not None:
        statement = "DELETE FROM sessions WHERE token_sha256 = %s"
        _database.transaction(
            lambda cursor: cursor.execute(statement, (token_sha256(token),)),
            context.get_remaining_time_in_millis,
        )
    return responses.redirect(
        "/login",
        cookies=[_cookie.drop()],
        # Or the browser's back button would show the pages again.
        headers={"clear-site-data": '"cache"'},
    )


def _form(
    request: PageRequest,
    status: HTTPStatus,
    target: str,
    problem: str | None = None,
    retry_after: int | None = None,
) -> dict[str, Any]:
    body = _template.render(next=target, problem=problem)
    return responses.content(
        request,
        body.encode(),
        status=status,
        cache_control=responses.NEVER_KEPT,
        headers={} if retry_after is None else {"retry-after": str(retry_after)},
    )
