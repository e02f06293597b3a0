from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import ModuleType
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions

from handlers.login import core
from tests.fixtures.browser import as_role, browser_request, text
from tests.fixtures.invocation import Context

type Send = Callable[..., dict[str, Any]]


@pytest.fixture
def environment(
    database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., ModuleType]:
    """A new execution environment of login."""
    return lambda **named: as_role("handlers.login", "sluice_login", database, monkeypatch, **named)


@pytest.fixture
def send(environment: Callable[..., ModuleType]) -> Send:
    loaded = environment()
    return lambda *request, **headers: loaded.login(browser_request(*request, **headers), Context())


@pytest.fixture
def password(database: extensions.connection, monkeypatch: pytest.MonkeyPatch) -> str:
    """The password of ada."""
    loaded = as_role("consumers.set_account", "sluice_accounts", database, monkeypatch)
    answer = loaded.set_account({"name": "ada"}, Context())
    return str(answer["password"])


def sessions(database: extensions.connection) -> list[str]:
    with database.cursor() as cursor:
        cursor.execute("SELECT account FROM sessions WHERE expires_at > now() + interval '11 h'")
        return [account for (account,) in cursor.fetchall()]


def test_the_form_comes_with_what_keeps_it_safe(send: Send) -> None:
    response = send("GET", "/login?next=/logs")
    assert response["statusCode"] == 200
    assert 'name="next" value="/logs"' in text(response)
    policy = response["headers"]["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert response["headers"]["cache-control"] == "no-store"


def test_the_right_password_opens_a_session(
    send: Send, password: str, database: extensions.connection
) -> None:
    form = {"name": "ada", "password": password, "next": "/logs?level=ERROR"}
    response = send("POST", "/login", form)
    assert response["statusCode"] == 303
    assert response["headers"]["location"] == "/logs?level=ERROR"
    (cookie,) = response["cookies"]
    value, *attributes = cookie.split("; ")
    assert value.startswith("__Host-session=") and len(value) > 40
    assert set(attributes) == {"Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=43200"}
    assert sessions(database) == ["ada"]
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM sessions, login_attempts WHERE subject_sha256 <> ''")
        assert value.partition("=")[2] not in str(cursor.fetchall())


def test_without_tls_the_cookie_is_one_that_a_browser_takes(
    environment: Callable[..., ModuleType], password: str
) -> None:
    form = {"name": "ada", "password": password}
    response = environment(environment="local").login(
        browser_request("POST", "/login", form), Context()
    )
    assert response["cookies"][0].startswith("session=")
    assert "Secure" not in response["cookies"][0]


def test_an_unknown_name_is_answered_as_a_wrong_password(
    environment: Callable[..., ModuleType], password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = environment()
    checked = []

    class Hasher:
        """Counts what takes the time, and is the real one."""

        def verify(self, hashed: str, given: str) -> bool:
            checked.append(given)
            return bool(hasher.verify(hashed, given))

    hasher = loaded._hasher
    monkeypatch.setattr(loaded, "_hasher", Hasher())
    answers = [
        loaded.login(browser_request("POST", "/login", form), Context())
        for form in (
            {"name": "ada", "password": "wrong"},
            {"name": "bob", "password": "wrong"},
            {"name": "b\0b"},
        )
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["statusCode"] == 403
    assert len(checked) == 3


def test_another_site_cannot_post(
    send: Send, password: str, database: extensions.connection
) -> None:
    form = {"name": "ada", "password": password}
    cookie = send("POST", "/login", form)["cookies"][0].partition(";")[0]
    others = [
        {"sec_fetch_site": "cross-site", "origin": "https://evil.example"},
        {"sec_fetch_site": "same-site", "origin": "https://other.sluice.example"},
        {"sec_fetch_site": "none"},
    ]
    for path in ("/login", "/logout"):
        for headers in others:
            assert send("POST", path, form, cookie=cookie, **headers)["statusCode"] == 403
    assert sessions(database) == ["ada"]


def test_an_older_browser_is_known_by_its_origin(environment: Callable[..., ModuleType]) -> None:
    loaded = environment()
    for origin, status in [
        ("https://sluice.example", 303),
        ("https://evil.example", 403),
        ("null", 403),
        (None, 403),
    ]:
        request = browser_request("POST", "/logout", None, **({"origin": origin} if origin else {}))
        del request["headers"]["sec-fetch-site"]
        assert loaded.login(request, Context())["statusCode"] == status


def attempts(loaded: ModuleType, count: int, name: str, address: str = "192.0.2.1") -> int:
    """Begins so many attempts, without checking a password; returns how many may go on."""
    begin = partial(loaded._begin, core.attempt({"name": name}, address))
    begun = [loaded._database.transaction(begin, lambda: 10_000) for _ in range(count)]
    return len([account for account in begun if account is not None])


def test_attempts_are_throttled_by_account_also_after_a_cold_start(
    environment: Callable[..., ModuleType], password: str
) -> None:
    limit = core.ATTEMPTS_OF_ACCOUNT
    assert sum(attempts(environment(), 1, "ada", f"192.0.2.{n}") for n in range(limit + 1)) == limit
    form = {"name": "ada", "password": password}
    refused = environment().login(browser_request("POST", "/login", form), Context())
    assert refused["statusCode"] == 429
    assert refused["headers"]["retry-after"] == "900"


def test_attempts_at_the_same_time_are_throttled_too(
    environment: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "ATTEMPTS_OF_ADDRESS", 4)
    loaded = environment()

    def begin(number: int) -> bool:
        connection = psycopg2.connect("")
        with connection, connection.cursor() as cursor:
            begun = loaded._begin(core.attempt({"name": f"n{number}"}, "192.0.2.1"), cursor)
        connection.close()
        return begun is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(16))) == 4


def test_success_clears_the_attempts_of_the_account(
    environment: Callable[..., ModuleType], password: str
) -> None:
    loaded = environment()
    for _ in range(2):
        assert attempts(loaded, core.ATTEMPTS_OF_ACCOUNT - 1, "ada") == core.ATTEMPTS_OF_ACCOUNT - 1
        request = browser_request("POST", "/login", {"name": "ada", "password": password})
        assert loaded.login(request, Context())["statusCode"] == 303


def test_log_out_ends_the_session_where_it_is_kept(
    send: Send, password: str, database: extensions.connection
) -> None:
    form = {"name": "ada", "password": password}
    cookie = send("POST", "/login", form)["cookies"][0].partition(";")[0]
    response = send("POST", "/logout", cookie=cookie)
    assert response["statusCode"] == 303
    assert response["headers"]["location"] == "/login"
    assert "Max-Age=0" in response["cookies"][0]
    assert sessions(database) == []
    assert send("POST", "/logout")["statusCode"] == 303


def test_a_database_that_does_not_answer_is_503(
    environment: Callable[..., ModuleType], password: str
) -> None:
    form = {"name": "ada", "password": password}
    answer = environment().login(browser_request("POST", "/login", form), Context(1000))
    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "5"
