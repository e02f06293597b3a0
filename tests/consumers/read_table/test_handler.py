import base64
import importlib
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from psycopg2 import extensions

from shared.errors import InvalidRequest
from tests.fixtures.documents import error, log, stored
from tests.fixtures.invocation import Context, kinesis_batch

type Read = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def read(database: extensions.connection) -> Read:
    """read_table over three logs at two times, two errors and a quarantined event."""
    from consumers.error_sink import handler as error_sink
    from consumers.log_sink import handler as log_sink
    from consumers.read_table import handler

    logs = [
        stored(log(service="a"), event_id=str(UUID(int=1)), occurred_at="2026-01-01T00:00:00Z"),
        stored(log(level="ERROR"), event_id=str(UUID(int=2)), occurred_at="2026-01-02T00:00:00Z"),
        stored(log(), event_id=str(UUID(int=3)), occurred_at="2026-01-02T00:00:00Z"),
        b"bad",
    ]
    errors = [stored(error(), event_id=str(UUID(int=4))), stored(error(type="KeyError"))]
    importlib.reload(log_sink).log_sink(kinesis_batch(logs), Context())
    importlib.reload(error_sink).error_sink(kinesis_batch(errors), Context())
    read_table = importlib.reload(handler).read_table
    return lambda query: read_table(query, Context())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [3, 2, 1]),
        ({"service": "a"}, [1]),
        ({"level": "ERROR"}, [2]),
        ({"since": "2026-01-02T00:00:00Z"}, [3, 2]),
        ({"until": "2026-01-02T00:00:00Z"}, [1]),
        ({"until": "2026-01-02T00:00:00Z", "service": "checkout"}, []),
    ],
)
def test_filters_newest_first(read: Read, query: dict[str, Any], expected: list[int]) -> None:
    answer = read({"table": "logs", **query})
    assert [UUID(row["event_id"]).int for row in answer["rows"]] == expected
    assert answer["cursor"] is None


def test_rows_are_json_with_every_column(read: Read) -> None:
    (row,) = read({"table": "errors", "type": "ValueError"})["rows"]
    assert json.loads(json.dumps(row)) == row
    assert row["event_id"] == str(UUID(int=4))
    assert row["occurred_at"] == "2026-01-02T03:04:05Z"
    assert {"received_at", "fingerprint", "stack", "causes", "attributes"} < row.keys()


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_lead_through_every_row_once(read: Read, limit: int) -> None:
    found: list[int] = []
    cursor = None
    while True:
        answer = read({"table": "logs", "limit": limit, "cursor": cursor})
        found += [UUID(row["event_id"]).int for row in answer["rows"]]
        if (cursor := answer["cursor"]) is None:
            break
    assert found == [3, 2, 1]


def test_quarantine_is_read_too(read: Read) -> None:
    (row,) = read({"table": "quarantine"})["rows"]
    assert base64.b64decode(row["raw"]) == b"bad"
    assert row["kind"] == "logs"


def test_a_forged_cursor_is_refused(read: Read) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(["logs", "never", "nobody"]).encode()).decode()
    with pytest.raises(InvalidRequest, match="cursor"):
        read({"table": "logs", "cursor": forged})
