import importlib
from collections.abc import Callable
from typing import Any

import pytest
from psycopg2 import extensions

from tests.fixtures.invocation import Context

type Redrive = Callable[..., dict[str, int]]


@pytest.fixture
def invoke(database: extensions.connection, monkeypatch: pytest.MonkeyPatch) -> Redrive:
    """Invokes redrive in a new execution environment, as its own role."""
    from consumers.redrive import handler

    with database.cursor() as cursor:
        cursor.execute("ALTER ROLE sluice_redrive LOGIN PASSWORD 'test'")

    def run(event: Any, time: Context | None = None) -> dict[str, int]:
        with monkeypatch.context() as patch:
            patch.setenv("PGUSER", "sluice_redrive")
            patch.setenv("PGPASSWORD", "test")
            report: dict[str, int] = importlib.reload(handler).redrive(event, time or Context())
            return report

    return run
