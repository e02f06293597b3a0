import importlib.util
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg2
import pytest

from shared.errors import InvalidRequest, Misconfiguration, Unavailable
from tests.fixtures.invocation import Context

ALL = [
    "0001_logs_errors_quarantine",
    "0002_daily_partitions",
    "0003_role_for_each_purpose",
    "0004_redrive_of_discarded_batches",
    "0005_accounts_and_sessions",
    "0006_error_counts",
    "0007_counts_of_a_day",
]


@pytest.fixture
def handler(empty_database: str) -> ModuleType:
    from consumers.migrate import handler

    return importlib.reload(handler)


@pytest.fixture
def add(handler: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Adds a migration to those of the repository."""
    for file in handler._MIGRATIONS.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(handler, "_MIGRATIONS", tmp_path)
    return lambda name, text: (tmp_path / name).write_text(text)


def execute(statement: str) -> None:
    connection = psycopg2.connect("")
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def query(statement: str) -> list[Any]:
    connection = psycopg2.connect("")
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
    connection.close()
    return rows


def test_applies_once(handler: ModuleType) -> None:
    assert handler.migrate({}, Context()) == {"applied": ALL, "already_applied": []}
    assert handler.migrate({}, Context()) == {"applied": [], "already_applied": ALL}
    assert query("SELECT count(*) FROM logs, errors, quarantine") == [(0,)]


@pytest.fixture
def rds(empty_database: str) -> Iterator[None]:
    """Makes the server have the role that RDS has for IAM authentication."""
    execute("CREATE ROLE rds_iam NOLOGIN")
    yield
    execute("DROP ROLE rds_iam")
    for (role,) in query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'sluice\\_%'"):
        execute(f"ALTER ROLE {role} NOLOGIN")


def test_on_rds_the_roles_log_in_by_iam_and_only_by_it(rds: None, handler: ModuleType) -> None:
    handler.migrate({}, Context())
    roles = query(
        "SELECT rolname, rolcanlogin, pg_has_role(rolname, 'rds_iam', 'member'),"
        " rolpassword IS NULL FROM pg_authid"
        " WHERE rolname IN ('sluice_read', 'sluice_write') ORDER BY rolname"
    )
    assert roles == [("sluice_read", True, True, True), ("sluice_write", True, True, True)]


def test_elsewhere_the_roles_do_not_log_in(handler: ModuleType) -> None:
    handler.migrate({}, Context())
    roles = query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'sluice\\_%' AND rolcanlogin")
    assert roles == []


def test_two_at_once_apply_once(handler: ModuleType) -> None:
    def run(environment: ModuleType) -> Any:
        return environment.migrate({}, Context())

    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(run, [handler, _another_environment(handler)]))
    assert sorted(len(answer["applied"]) for answer in answers) == [0, len(ALL)]


def test_a_migration_that_fails_changes_nothing(
    handler: ModuleType, add: Callable[..., Any]
) -> None:
    add("0099_half.sql", "CREATE TABLE half (a integer);\nINSERT INTO half VALUES ('x');")
    with pytest.raises(Misconfiguration, match="invalid input syntax"):
        handler.migrate({}, Context())
    assert query("SELECT to_regclass('half')") == [(None,)]
    add("0099_half.sql", "CREATE TABLE half (a integer);\nINSERT INTO half VALUES (1);")
    applied = handler.migrate({}, Context())
    assert applied == {"applied": ["0099_half"], "already_applied": ALL}


def test_a_migration_that_cannot_be_marked_changes_nothing(
    handler: ModuleType, add: Callable[..., Any]
) -> None:
    handler.migrate({}, Context())
    add(
        "0099_unmarked.sql",
        "CREATE TABLE half ();\n"
        "ALTER TABLE _yoyo_migration ADD CHECK (migration_id <> '0099_unmarked');",
    )
    with pytest.raises(Misconfiguration, match="violates check constraint"):
        handler.migrate({}, Context())
    assert query("SELECT to_regclass('half')") == [(None,)]


def test_gives_up_in_time(handler: ModuleType, add: Callable[..., Any]) -> None:
    add("0099_slow.sql", "SELECT pg_sleep(60);")
    with pytest.raises(Unavailable, match="statement timeout"):
        handler.migrate({}, Context(1500))


def test_a_wait_for_sinks_locks_is_bounded(handler: ModuleType) -> None:
    first, *others = sorted(handler._MIGRATIONS.glob("*.sql"))
    assert first.stem == ALL[0]  # it finds no table that sinks could be writing to
    for migration in others:
        assert "SET LOCAL lock_timeout = '10s';" in migration.read_text(), migration.name


@pytest.mark.parametrize("event", [None, [], {"table": "logs"}])
def test_takes_an_empty_object(handler: ModuleType, event: Any) -> None:
    with pytest.raises(InvalidRequest, match="empty object"):
        handler.migrate(event, Context())


def _another_environment(handler: ModuleType) -> ModuleType:
    """The same handler with a connection of its own, as another execution environment has."""
    spec = handler.__spec__
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("sluice_read", {"SELECT logs", "SELECT errors", "SELECT quarantine"}),
        (
            "sluice_write",
            {
                *("SELECT logs", "SELECT errors"),
                *("INSERT logs", "INSERT errors", "INSERT quarantine"),
            },
        ),
        (
            "sluice_redrive",
            {
                *("SELECT logs", "SELECT errors", "SELECT quarantine"),
                *("INSERT logs", "INSERT errors"),
                *("INSERT quarantine", "UPDATE quarantine", "DELETE quarantine"),
            },
        ),
        (
            "sluice_clear",
            {
                f"{do} {of}"
                for do in ("SELECT", "DELETE")
                for of in ("logs", "errors", "quarantine")
            },
        ),
        ("sluice_retention", set()),
        ("sluice_counts", {f"{do} error_counts" for do in ("SELECT", "INSERT", "DELETE")}),
        (
            "sluice_accounts",
            {f"{do} accounts" for do in ("SELECT", "INSERT", "UPDATE", "DELETE")},
        ),
        (
            "sluice_login",
            {
                "SELECT accounts",
                *(
                    f"{do} {of}"
                    for do in ("SELECT", "INSERT", "DELETE")
                    for of in ("sessions", "login_attempts")
                ),
            },
        ),
        (
            "sluice_web",
            {f"SELECT {of}" for of in ("logs", "errors", "quarantine", "error_counts", "sessions")},
        ),
    ],
)
def test_a_role_may_do_what_it_is_for_and_nothing_else(
    handler: ModuleType, role: str, allowed: set[str]
) -> None:
    handler.migrate({}, Context())
    rows = query(
        "SELECT privilege || ' ' || name FROM pg_class, unnest(ARRAY[relname::text]) AS name,"
        " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) privilege"
        f" WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        f" AND has_table_privilege('{role}', pg_class.oid, privilege)"
    )
    assert {privilege for (privilege,) in rows} == allowed
