from types import ModuleType
from typing import Any

import pytest
from argon2 import PasswordHasher
from psycopg2 import extensions

from shared.errors import InvalidRequest
from tests.fixtures.browser import as_role
from tests.fixtures.invocation import Context


@pytest.fixture
def loaded(database: extensions.connection, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return as_role("consumers.set_account", "sluice_accounts", database, monkeypatch)


def accounts(database: extensions.connection) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute("SELECT name, password_hash, password_changed_at FROM accounts")
        return cursor.fetchall()


def test_an_account_is_made_with_a_password_of_which_only_argon2id_is_kept(
    loaded: ModuleType, database: extensions.connection
) -> None:
    answer = loaded.set_account({"name": "ada"}, Context())
    assert answer["name"] == "ada"
    assert len(answer["password"]) == 24
    ((name, password_hash, _),) = accounts(database)
    assert name == "ada"
    assert password_hash.startswith("$argon2id$")
    assert PasswordHasher().verify(password_hash, answer["password"])


def test_a_second_time_it_gets_another_password(
    loaded: ModuleType, database: extensions.connection
) -> None:
    first = loaded.set_account({"name": "ada"}, Context())
    ((_, old_hash, old_change),) = accounts(database)
    second = loaded.set_account({"name": "ada"}, Context())
    ((_, new_hash, new_change),) = accounts(database)
    assert first["password"] != second["password"]
    assert old_hash != new_hash
    assert old_change < new_change


def test_an_account_is_removed_with_its_sessions(
    loaded: ModuleType, database: extensions.connection
) -> None:
    loaded.set_account({"name": "ada"}, Context())
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sessions SELECT 'x', name, password_changed_at, now() FROM accounts"
        )
    answer = loaded.set_account({"name": "ada", "remove": True}, Context())
    assert answer == {"name": "ada", "password": None}
    assert accounts(database) == []
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sessions")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    "event", [{}, {"name": ""}, {"name": " ada"}, {"name": "a\0"}, {"name": "ada", "password": "x"}]
)
def test_what_is_wrong_is_refused(loaded: ModuleType, event: Any) -> None:
    with pytest.raises(InvalidRequest):
        loaded.set_account(event, Context())
