"""What COPY reads is what was encoded: against a real PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import extensions

from shared.copy_format import copy_file, row_encoder

COLUMNS = {"id": "uuid", "moment": "timestamptz", "name": "text", "content": "jsonb"}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
# jsonb keeps numbers in decimal: of others than these it may keep another float.
EXACT = st.integers(-1000, 1000).map(lambda eighths: eighths / 8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | EXACT | TEXT,
    lambda items: st.lists(items) | st.dictionaries(TEXT, items),
)
ROWS = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "moment": st.datetimes(
            datetime(1999, 1, 1),
            datetime(2100, 1, 1),
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
        ),
        "name": TEXT,
        "content": JSON,
    }
)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ROWS, max_size=4))
def test_what_is_copied_comes_out(
    database: extensions.connection, rows: list[dict[str, Any]]
) -> None:
    encode = row_encoder(COLUMNS)
    columns = ", ".join(f"{name} {type}" for name, type in COLUMNS.items())
    with database.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS copied")
        cursor.execute(f"CREATE TEMPORARY TABLE copied (position serial, {columns})")
        cursor.copy_expert(
            f"COPY copied ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)",
            copy_file(encode({**row, "no column": 1}) for row in rows),
        )
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM copied ORDER BY position")
        out = [
            {**dict(zip(COLUMNS, values, strict=True)), "id": UUID(values[0])}
            for values in cursor.fetchall()
        ]
    assert out == rows


def test_a_type_without_a_format_is_refused_at_once() -> None:
    with pytest.raises(KeyError, match="money"):
        row_encoder({"price": "money"})
