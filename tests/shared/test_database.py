import os
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
import snapshot_restore_py  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from psycopg2 import errors, extensions

from shared.database import (
    ATTEMPT_MILLISECONDS,
    RESERVE_MILLISECONDS,
    Database,
    Failure,
    classify,
    transaction_timeout,
)
from shared.errors import Misconfiguration, Unavailable
from tests.fixtures.invocation import Context


def running(statement: str) -> Callable[[extensions.cursor], Any]:
    def work(cursor: extensions.cursor) -> Any:
        cursor.execute(statement)
        return cursor.fetchone()

    return work


@pytest.mark.parametrize(
    ("statement", "failure"),
    [
        ("SELECT 'x'::integer", Failure.DATA),
        ("SELECT 99999999999::integer", Failure.DATA),
        ("""SELECT '"\\u0000"'::jsonb ->> 0""", Failure.DATA),
        ("INSERT INTO logs (event_id) VALUES (NULL)", Failure.DATA),
        ("SELECT repeat('[', 100000)::jsonb", Failure.DATA),
        ("SELECT * FROM nowhere", Failure.MISCONFIGURATION),
        ("SET search_path = ''; CREATE TABLE t ()", Failure.MISCONFIGURATION),
        ("SET ROLE nobody", Failure.DATA),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(9)", Failure.TRANSIENT),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Failure.TRANSIENT),
        ("SET TRANSACTION READ ONLY; CREATE TABLE t ()", Failure.TRANSIENT),
    ],
)
def test_failures_of_a_session(
    database: extensions.connection, statement: str, failure: Failure
) -> None:
    connection = psycopg2.connect("")
    with pytest.raises(psycopg2.Error) as raised, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
    assert classify(raised.value) is failure


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        ('connection to server at "::1", port 5432 failed: Connection refused', "TRANSIENT"),
        ('could not translate host name "db" to address', "TRANSIENT"),
        ("timeout expired", "TRANSIENT"),
        ("server closed the connection unexpectedly", "TRANSIENT"),
        ("FATAL:  the database system is starting up", "TRANSIENT"),
        ("FATAL:  sorry, too many clients already", "TRANSIENT"),
        ("FATAL:  remaining connection slots are reserved", "TRANSIENT"),
        ("FATAL:  terminating connection due to administrator command", "TRANSIENT"),
        ('FATAL:  database "sluice" is not currently accepting connections', "TRANSIENT"),
        ('FATAL:  password authentication failed for user "sluice_write"', "MISCONFIGURATION"),
        ('FATAL:  database "sluice" does not exist', "MISCONFIGURATION"),
        ("FATAL:  no pg_hba.conf entry for host", "MISCONFIGURATION"),
        ("SSL error: certificate verify failed", "MISCONFIGURATION"),
        ("server does not support SSL, but SSL was required", "MISCONFIGURATION"),
    ],
)
def test_failures_to_connect(message: str, failure: str) -> None:
    assert classify(psycopg2.OperationalError(message)) is Failure[failure]


def test_a_transaction_is_run_again_on_another_connection_after_a_transient_failure(
    database: extensions.connection,
) -> None:
    attempts: list[int] = []

    def work(cursor: extensions.cursor) -> int:
        attempts.append(cursor.connection.info.backend_pid)
        if len(attempts) == 1:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        if len(attempts) == 2:  # as after a failover, on the server that was the primary
            cursor.execute("SET TRANSACTION READ ONLY; CREATE TABLE refused ()")
        return len(attempts)

    assert Database(os.environ).transaction(work, Context().get_remaining_time_in_millis) == 3
    assert len(set(attempts)) == 3


def test_a_connection_is_kept(database: extensions.connection) -> None:
    connection = Database(os.environ)
    time = Context().get_remaining_time_in_millis
    first, second = (
        connection.transaction(running("SELECT pg_backend_pid()"), time) for _ in range(2)
    )
    assert first == second


def sessions(database: extensions.connection) -> list[int]:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid"
        )
        return [pid for (pid,) in cursor.fetchall()]


def test_a_connection_is_opened_at_init(database: extensions.connection) -> None:
    connection = Database(os.environ)
    (opened,) = sessions(database)
    time = Context().get_remaining_time_in_millis
    assert connection.transaction(running("SELECT pg_backend_pid()"), time) == (opened,)


def test_no_connection_is_in_a_snapshot(
    database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The runtime interface client runs these around a snapshot, which can't be made here.
    monkeypatch.setattr(snapshot_restore_py, "_before_snapshot_registry", [])
    monkeypatch.setattr(snapshot_restore_py, "_after_restore_registry", [])
    kept = Database(os.environ)
    before = sessions(database)
    for hook, arguments, named in snapshot_restore_py.get_before_snapshot():
        hook(*arguments, **named)
    assert not sessions(database)
    for hook, arguments, named in snapshot_restore_py.get_after_restore():
        hook(*arguments, **named)
    assert len(before) == len(sessions(database)) == 1
    assert before != sessions(database)
    assert kept.transaction(running("SELECT 1"), Context().get_remaining_time_in_millis) == (1,)


@pytest.mark.parametrize(
    ("setting", "value"), [("statement_timeout", "14500ms"), ("lock_timeout", "7250ms")]
)
def test_the_server_bounds_a_transaction_too(
    database: extensions.connection, setting: str, value: str
) -> None:
    time = Context(30_000).get_remaining_time_in_millis
    assert Database(os.environ).transaction(running(f"SHOW {setting}"), time) == (value,)


def test_a_session_is_named_and_ends_when_its_environment_is_gone(
    database: extensions.connection,
) -> None:
    name = "prod-consumers-log_sink"
    connection = Database({**os.environ, "AWS_LAMBDA_FUNCTION_NAME": name}).connect()
    expected = {
        "application_name": name,
        "timezone": "UTC",
        "idle_in_transaction_session_timeout": "1min",
        "client_connection_check_interval": "2s",
    }
    with connection.cursor() as cursor:
        for setting, value in expected.items():
            cursor.execute(f"SHOW {setting}")
            assert cursor.fetchone() == (value,)
    parameters = connection.get_dsn_parameters()
    times = ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    assert [parameters[name] for name in times] == ["5", "2", "3", "10000"]
    connection.close()


def test_data_errors_are_the_callers(database: extensions.connection) -> None:
    time = Context().get_remaining_time_in_millis
    with pytest.raises(errors.InvalidTextRepresentation):
        Database(os.environ).transaction(running("SELECT 'x'::integer"), time)


def test_a_statement_ends_before_the_invocation(database: extensions.connection) -> None:
    time = Context(4000, 1200, 0).get_remaining_time_in_millis
    with pytest.raises(Unavailable):
        Database(os.environ).transaction(running("SELECT pg_sleep(60)"), time)


@given(st.integers(-1000, 900_000))
def test_a_transaction_leaves_time_to_answer_and_where_it_can_for_another(remaining: int) -> None:
    timeout = transaction_timeout(remaining)
    assert timeout > 0
    if remaining > RESERVE_MILLISECONDS + 2:
        assert timeout <= remaining - RESERVE_MILLISECONDS
    if remaining > 2 * ATTEMPT_MILLISECONDS:
        assert remaining - timeout > ATTEMPT_MILLISECONDS


def test_an_unknown_database_is_said(
    database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Context().get_remaining_time_in_millis
    with monkeypatch.context() as patch, pytest.raises(Misconfiguration, match='"gone"'):
        patch.setenv("PGDATABASE", "gone")
        Database(os.environ).transaction(running("SELECT 1"), time)


def test_missing_environment_variables_are_named() -> None:
    with pytest.raises(Misconfiguration, match="PGUSER, PGDATABASE must be set"):
        Database({"PGHOST": "db"})
