"""Makes an account for the pages, gives it a new password, or removes it."""

import os
import secrets
from typing import Any

from argon2 import PasswordHasher
from psycopg2 import extensions

from consumers.set_account import core
from shared.context import Context
from shared.database import Database

_database = Database(os.environ)
_hasher = PasswordHasher()


def set_account(event: object, context: Context) -> dict[str, Any]:
    """Takes {"name", "remove": optional}; returns {"name", "password"}, null for one removed.

    The password is a new one, and nothing else ever shows it. All sessions of the account end.
    Raises InvalidRequest, Misconfiguration and Unavailable.
    """
    request = core.parse(event)
    password = None if request.remove else secrets.token_urlsafe(18)
    password_hash = password and _hasher.hash(password)

    def write(cursor: extensions.cursor) -> None:
        if password_hash is None:
            cursor.execute("DELETE FROM accounts WHERE name = %s", (request.name,))
            return
        cursor.execute(
            "INSERT INTO accounts AS account (name, password_hash) VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash,"
            " password_changed_at = clock_timestamp()",
            (request.name, password_hash),
        )

    _database.transaction(write, context.get_remaining_time_in_millis)
    return {"name": request.name, "password": password}
