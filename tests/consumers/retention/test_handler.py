import importlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg2 import extensions

from shared.identifiers import uuid7
from tests.fixtures.invocation import Context

type Retain = Callable[[timedelta], dict[str, Any]]

DAY = timedelta(days=1)


@pytest.fixture
def retain(database: extensions.connection, monkeypatch: pytest.MonkeyPatch) -> Retain:
    """Runs retention as its own role, some time from now: only what is passed to it is moved."""
    from consumers.retention import core, handler

    with database.cursor() as cursor:
        cursor.execute("ALTER ROLE sluice_retention LOGIN PASSWORD 'test'")
    expiry = core.expiry

    def run(later: timedelta) -> dict[str, Any]:
        with monkeypatch.context() as patch:
            patch.setenv("PGUSER", "sluice_retention")
            patch.setenv("PGPASSWORD", "test")
            patch.setattr(core, "expiry", lambda now: expiry(now + later))
            report: dict[str, Any] = importlib.reload(handler).retention({}, Context())
            return report

    return run


def insert(database: extensions.connection, event_id: UUID, occurred_at: datetime) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs (event_id, occurred_at, service, environment, level, message,"
            " attributes) VALUES (%s, %s, '', '', '', '', '{}')",
            (str(event_id), occurred_at),
        )


def partitions(database: extensions.connection) -> dict[str, int]:
    """How many rows there are in each partition of logs that has any."""
    with database.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, count(*) FROM logs GROUP BY 1")
        return dict(cursor.fetchall())


def at(moment: datetime) -> UUID:
    return uuid7(int(moment.timestamp() * 1000), b"0123456789")


def test_whole_days_are_dropped_and_others_deleted(
    retain: Retain, database: extensions.connection
) -> None:
    now = datetime.now(UTC)
    tomorrow, next_day = now + DAY, now + 2 * DAY
    insert(database, at(tomorrow), tomorrow)  # before there is its partition
    assert len(retain(timedelta())["logs"]["added"]) == 14
    insert(database, at(next_day), next_day)
    insert(database, uuid4(), now - 29 * DAY)
    insert(database, uuid4(), now)
    first, second = (f"logs_{moment:%Y%m%d}" for moment in (tomorrow, next_day))
    assert partitions(database) == {"logs_default": 2, first: 1, second: 1}
    nothing = {"added": [], "dropped": [], "deleted": 0}
    assert retain(timedelta()) == {"logs": nothing, "errors": nothing}
    assert retain(32 * DAY)["logs"] == {"added": [], "dropped": [first], "deleted": 2}
    assert partitions(database) == {second: 1}


def test_missing_partitions_are_made(retain: Retain, database: extensions.connection) -> None:
    retain(timedelta())
    name = f"errors_{datetime.now(UTC) + 14 * DAY:%Y%m%d}"
    with database.cursor() as cursor:
        cursor.execute(f"DROP TABLE {name}")
    assert retain(timedelta())["errors"]["added"] == [name]
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = %s", (name,))
        assert cursor.fetchone() == (4,)


def test_the_role_can_do_nothing_else(retain: Retain, database: extensions.connection) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE others (day date) PARTITION BY LIST (day);"
            "CREATE TABLE others_20260101 PARTITION OF others DEFAULT"
        )
        cursor.execute("SET ROLE sluice_retention")
        for statement in (
            "SELECT FROM logs",
            "DELETE FROM logs",
            "DROP TABLE logs",
            "INSERT INTO quarantine DEFAULT VALUES",
        ):
            with pytest.raises(Exception, match=r"permission denied|must be owner"):
                cursor.execute(statement)
        with pytest.raises(Exception, match="has no daily partitions"):
            cursor.execute("SELECT delete_expired('quarantine', now(), 1)")
        cursor.execute("SELECT drop_partitions('others', 'infinity')")
        assert cursor.fetchone() == ([],)
