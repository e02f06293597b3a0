"""Brings the database's schema up to date with the SQL files in shared/migrations."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psycopg2
from psycopg2 import extensions
from yoyo import default_migration_table, read_migrations  # type: ignore[import-untyped]
from yoyo.backends import PostgresqlBackend  # type: ignore[import-untyped]
from yoyo.connections import DatabaseURI  # type: ignore[import-untyped]

from consumers.migrate import core
from shared.context import Context
from shared.database import RESERVE_MILLISECONDS, Database, Failure, classify
from shared.errors import InvalidRequest, Misconfiguration, Unavailable

_MIGRATIONS = Path(__file__).parents[2] / "shared" / "migrations"
_LOCK = 0x51_0C_E0  # any number that nothing else locks in this database

_database = Database(os.environ)


class _Backend(PostgresqlBackend):  # type: ignore[misc]
    """yoyo on our connection, under our lock, with each migration and its mark in one transaction.

    yoyo's own lock is a row, which a function that is killed would leave behind; an advisory lock
    ends with the connection. And yoyo applies a migration on one connection and marks it on
    another: a kill in between would have it applied twice.
    """

    def connect(self, dburi: DatabaseURI) -> extensions.connection:
        connection = _database.connect()
        connection.autocommit = True
        return connection

    def copy(self) -> AbstractContextManager["_Backend"]:
        return nullcontext(self)

    def lock(self, timeout: float = 0) -> AbstractContextManager[None]:
        return nullcontext()


def migrate(event: object, context: Context) -> dict[str, list[str]]:
    """Takes {}; returns {"applied", "already_applied"}, lists of migrations.

    A second invocation at the same time waits for the first; a migration that fails changes
    nothing. Raises InvalidRequest, Misconfiguration and Unavailable.
    """
    if event != {}:
        raise InvalidRequest("migrate takes an empty object: {}")
    migrations = read_migrations(str(_MIGRATIONS))
    try:
        backend = _Backend(DatabaseURI("postgresql", *[None] * 5, {}), default_migration_table)
        timeout = context.get_remaining_time_in_millis() - RESERVE_MILLISECONDS
        backend.execute(
            "SELECT set_config('statement_timeout', :timeout, false)", {"timeout": str(timeout)}
        )
        backend.execute("SELECT pg_advisory_lock(:lock)", {"lock": _LOCK})
        pending = backend.to_apply(migrations)
        for migration in pending:
            with backend.transaction():
                backend.apply_one(migration)
        with backend.transaction():
            backend.run_post_apply(migrations)
    except psycopg2.Error as error:
        message = str(error).strip().splitlines()[0]
        if classify(error) is Failure.TRANSIENT:
            raise Unavailable(f"The database did not answer, or not in time: {message}") from None
        raise Misconfiguration(f"The migrations cannot be applied: {message}") from None
    finally:
        _database.close()  # and with it the lock
    return core.report(
        [migration.id for migration in migrations], {migration.id for migration in pending}
    )
