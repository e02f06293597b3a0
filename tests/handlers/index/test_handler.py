import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from psycopg2 import extensions
from psycopg2.extras import execute_values

from handlers.index import core, queries
from shared.web.sessions import token_sha256
from tests.fixtures.browser import as_role, browser_request, text
from tests.fixtures.invocation import Context

type Get = Callable[..., dict[str, Any]]

COOKIE = "__Host-session=token"


@pytest.fixture
def loaded(database: extensions.connection, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return as_role("handlers.index", "sluice_web", database, monkeypatch)


@pytest.fixture
def get(loaded: ModuleType, database: extensions.connection) -> Get:
    """Gets a page for ada, who is logged in."""
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO accounts (name, password_hash) VALUES ('ada', '')")
        cursor.execute(
            "INSERT INTO sessions SELECT %s, name, password_changed_at, now() + interval '1 h'"
            " FROM accounts",
            (token_sha256("token"),),
        )

    def send(target: str, *, cookie: str = COOKIE, **headers: str) -> dict[str, Any]:
        request = browser_request("GET", target, None, cookie=cookie, **headers)
        answer: dict[str, Any] = loaded.index(request, Context())
        return answer

    return send


def insert_errors(database: extensions.connection, *fingerprints: int, **fields: Any) -> None:
    """An error of each fault, the later the number in the list the older."""
    now = fields.pop("now", datetime.now(UTC))
    rows = [
        (
            str(uuid4()),
            now - timedelta(seconds=age),
            f"{fingerprint:016x}",
            f"message {fingerprint}",
        )
        for age, fingerprint in enumerate(fingerprints)
    ]
    with database.cursor() as cursor:
        execute_values(
            cursor,
            "INSERT INTO errors (event_id, occurred_at, fingerprint, message, service, environment,"
            " type, stack, causes, attributes) VALUES %s",
            rows,
            "(%s, %s, %s, %s, 'shop', 'test', 'E', '[]', '[]', '{}')",
        )


def insert_logs(database: extensions.connection, count: int, level: str, **fields: Any) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs (event_id, occurred_at, service, environment, level, message,"
            " attributes) SELECT gen_random_uuid(), now() - number * interval '1 s', %s, 'test',"
            " %s, 'message ' || number, '{}' FROM generate_series(1, %s) AS number",
            (fields.get("service", "shop"), level, count),
        )


def follow(get: Get, target: str) -> Iterator[str]:
    """The bodies of a page and of those after it."""
    while True:
        body = text(get(target))
        yield body
        found = re.search(r'rel="next" href="([^"]*)"', body)
        if not found:
            return
        target = unescape(found[1])


def test_nobody_sees_anything(get: Get, database: extensions.connection) -> None:
    for cookie in ("", "__Host-session=other", "session=token"):
        answer = get("/logs?level=ERROR", cookie=cookie)
        assert answer["statusCode"] == 303
        assert answer["headers"]["location"] == "/login?next=%2Flogs%3Flevel%3DERROR"
        assert answer["headers"]["cache-control"] == "no-store"
    with database.cursor() as cursor:
        cursor.execute("UPDATE accounts SET password_changed_at = clock_timestamp()")
    assert get("/")["statusCode"] == 303


def test_a_session_ends_by_itself(get: Get, database: extensions.connection) -> None:
    assert get("/")["statusCode"] == 200
    with database.cursor() as cursor:
        cursor.execute("UPDATE sessions SET expires_at = now()")
    assert get("/")["statusCode"] == 303


def test_a_page_is_kept_only_if_it_is_the_same(get: Get, database: extensions.connection) -> None:
    first = get("/quarantine")
    headers = first["headers"]
    assert headers["cache-control"] == "private, no-cache"
    assert "cookie" in headers["vary"]
    again = get("/quarantine", if_none_match=headers["etag"])
    assert again["statusCode"] == 304 and "body" not in again
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO quarantine VALUES ('s', '0', '1', 0, 'logs', 'why', 'x')")
    assert get("/quarantine", if_none_match=headers["etag"])["statusCode"] == 200


def test_assets_are_kept_for_ever_and_are_everyones(get: Get) -> None:
    found = re.search(r'rel="stylesheet" href="([^"]*)"', text(get("/")))
    assert found
    asset = get(found[1], cookie="", accept_encoding="gzip, br")
    assert asset["headers"]["content-type"] == "text/css; charset=utf-8"
    assert asset["headers"]["content-encoding"] == "gzip"
    assert "immutable" in asset["headers"]["cache-control"]
    assert ":root" in text(asset)


def test_what_is_not_there_is_not_found(get: Get) -> None:
    for target in ("/nothing", "/errors/0123456789abcdef", "/errors/x", "/assets/style.0.css"):
        assert get(target)["statusCode"] == 404
    assert get("/logs?after=x")["statusCode"] == 400


def test_faults_are_shown_once_each_while_errors_arrive(
    get: Get, database: extensions.connection
) -> None:
    count = 3 * core.FAULTS + 5
    insert_errors(database, *range(count))
    shown: list[str] = []
    for body in follow(get, "/?period=7d"):
        shown += re.findall(r'href="/errors/([0-9a-f]{16})"', body)
        # Faults of all pages come to the top, and new ones.
        insert_errors(database, *range(0, count, 2), 1000 + len(shown))
    assert shown == [f"{fingerprint:016x}" for fingerprint in range(count)]


def test_faults_are_filtered(get: Get, database: extensions.connection) -> None:
    insert_errors(database, 1, 2, 2)
    insert_errors(database, 3, now=datetime.now(UTC) - timedelta(days=3))

    def shown(target: str) -> list[int]:
        return [int(n, 16) for n in re.findall(r'"/errors/([0-9a-f]{16})"', text(get(target)))]

    assert shown("/") == [1, 2]
    assert shown("/?period=7d") == [1, 2, 3]
    assert shown("/?text=MESSAGE+2&service=shop&environment=test") == [2]
    assert shown("/?text=100%25") == []
    assert shown("/?service=other") == []
    assert "<b>2</b> errors" in text(get("/?text=message+2"))


def test_the_errors_of_a_fault_are_each_shown(get: Get, database: extensions.connection) -> None:
    insert_errors(database, *[7] * (2 * core.EVENTS + 3), 8)
    seen: list[str] = []
    for body in follow(get, "/errors/0000000000000007"):
        seen += re.findall(r'from=([^"]*)"(?: aria-current="true")?><time', body)
    assert len(seen) == len(set(seen)) == 2 * core.EVENTS + 3


def test_logs_are_shown_once_each_while_records_arrive(
    get: Get, database: extensions.connection
) -> None:
    insert_logs(database, 2 * core.LOGS + 7, "INFO")
    with database.cursor() as cursor:
        cursor.execute("SELECT event_id::text FROM logs ORDER BY occurred_at DESC")
        expected = [event_id for (event_id,) in cursor.fetchall()]
    shown: list[str] = []
    for body in follow(get, "/logs"):
        shown += re.findall(r'id="log-([^"]*)"', body)
        insert_logs(database, 1, "ERROR")
    assert [event_id for event_id in shown if event_id in expected] == expected


def test_logs_are_filtered_also_where_a_search_takes_several_looks(
    get: Get, database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "LOOKED_AT", 50)
    insert_logs(database, 120, "INFO")
    insert_logs(database, 3, "WARNING", service="mail")
    insert_logs(database, 2, "CRITICAL")

    def shown(target: str) -> list[int]:
        return [len(re.findall('id="log-', body)) for body in follow(get, target)]

    assert sum(shown("/logs?text=message+119")) == 1
    assert len(shown("/logs?text=message+119")) == 3
    assert sum(shown("/logs?level=WARNING")) == 5
    assert sum(shown("/logs?level=ERROR")) == 2
    assert sum(shown("/logs?level=INFO&service=mail")) == 3
    assert sum(shown("/logs?level=WARNING&service=mail&text=message")) == 3
    assert sum(shown("/logs?until=2020-01-01T00:00")) == 0
    assert '<option value="mail">' in text(get("/logs"))


def test_quarantine_is_shown_with_how_to_redrive(get: Get, database: extensions.connection) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO quarantine SELECT 'test-logs', 'shard', number, 0, 'logs',"
            " 'reason ' || number, '\\xff00' FROM generate_series(1, %s) AS number",
            (core.ENTRIES + 2,),
        )
    pages = list(follow(get, "/quarantine"))
    reasons = [reason for body in pages for reason in re.findall("<h2>reason ([0-9]+)", body)]
    assert sorted(map(int, reasons)) == list(range(1, core.ENTRIES + 3))
    assert "ff 00" in pages[0]
    assert "test-consumers-redrive" in pages[0]
    assert '"sequence_number": "' in unescape(pages[0])


def test_the_pipelines_state_is_shown(get: Get, database: extensions.connection) -> None:
    assert "none" in text(get("/pipeline"))
    insert_logs(database, 5, "INFO")
    insert_errors(database, 1)
    body = text(get("/pipeline"))
    assert "From event to row" in body
    assert "5 in the last 30 minutes" in body


def test_a_database_that_does_not_answer_is_503(loaded: ModuleType) -> None:
    answer = loaded.index(browser_request("GET", "/", cookie=COOKIE), Context(1000))
    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "5"
