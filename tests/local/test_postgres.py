import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from local.postgres import Postgres, running_postgres


def with_postgres[Result](state: Path, use: Callable[[Postgres], Result]) -> Result:
    async def main() -> Result:
        with (state / "log").open("ab") as log:
            async with running_postgres(state, log) as postgres:
                return use(postgres)

    return asyncio.run(main())


def execute(postgres: Postgres, statement: str) -> list[tuple[object, ...]]:
    with postgres.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_data_survives_a_restart_and_a_kill(tmp_path: Path) -> None:
    with_postgres(tmp_path, lambda postgres: execute(postgres, "CREATE TABLE kept (id int)"))

    def kill(postgres: Postgres) -> None:
        execute(postgres, "INSERT INTO kept VALUES (1)")
        pid = int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    with_postgres(tmp_path, kill)
    assert with_postgres(tmp_path, lambda p: execute(p, "SELECT id FROM kept")) == [(1,)]


def test_roles_of_the_migrations_can_log_in_with_the_password_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(postgres: Postgres) -> None:
        execute(postgres, "CREATE ROLE sluice_read")
        postgres.let_roles_log_in()
        for name, value in postgres.variables("read").items():
            monkeypatch.setenv(name, value)
        with psycopg2.connect("") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("sluice_read",)
        connection.close()
        monkeypatch.setenv("PGPASSWORD", "wrong")
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect("")

    with_postgres(tmp_path, check)
