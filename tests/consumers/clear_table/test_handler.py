import importlib
from typing import Any

import pytest
from psycopg2 import extensions

from tests.fixtures.invocation import Context


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ({}, []),
        ({"before": "2026-01-02T00:00:00Z"}, [2, 3]),
        ({"before": "2000-01-01T00:00:00Z"}, [1, 2, 3]),
    ],
)
def test_deletes_what_is_before(
    database: extensions.connection, before: dict[str, Any], left: list[int]
) -> None:
    from consumers.clear_table import handler

    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO logs (event_id, occurred_at, service, environment, level, message,"
            " attributes) SELECT gen_random_uuid(), make_date(2026, 1, day), '', '', '', '', '{}'"
            " FROM generate_series(1, 3) AS day"
        )
        request = {"table": "logs", "confirm": "logs", **before}
        answer = importlib.reload(handler).clear_table(request, Context())
        assert answer == {"deleted": 3 - len(left)}
        cursor.execute("SELECT extract(day FROM occurred_at)::integer FROM logs ORDER BY 1")
        assert [day for (day,) in cursor.fetchall()] == left
