import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from psycopg2 import extensions

from shared.errors import InvalidRequest
from tests.fixtures.documents import log, stored
from tests.fixtures.invocation import Context, kinesis_batch

type Invoke = Callable[[Any], dict[str, int]]
type Redrive = Callable[..., dict[str, int]]


@pytest.fixture
def redrive(invoke: Invoke) -> Redrive:
    """Redrives logs."""

    def run(**query: Any) -> dict[str, int]:
        return invoke({"kind": "logs", **query})

    return run


@pytest.fixture
def quarantined(database: extensions.connection) -> list[bytes]:
    """Five logs that a constraint kept out, one that is none, and one whose id is taken."""
    from consumers.log_sink import handler

    good = [stored(log(message=str(n))) for n in range(5)]
    taken = stored(log(message="first"))
    conflict = stored(log(message="second"), event_id=json.loads(taken)["event_id"])
    with database.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE logs ADD CONSTRAINT early CHECK (message IN ('first', 'second'))"
        )
        batch = kinesis_batch([*good, b"not JSON", taken, conflict])
        importlib.reload(handler).log_sink(batch, Context())
        cursor.execute("ALTER TABLE logs DROP CONSTRAINT early")
    return good


def reasons(database: extensions.connection) -> dict[int, str]:
    with database.cursor() as cursor:
        cursor.execute("SELECT event_index, reason FROM quarantine ORDER BY 1")
        return dict(cursor.fetchall())


def test_what_passes_now_is_moved_and_the_rest_is_kept(
    redrive: Redrive, quarantined: list[bytes], database: extensions.connection
) -> None:
    assert redrive() == {"stored": 5, "kept": 2}
    assert redrive() == {"stored": 0, "kept": 2}
    assert reasons(database).keys() == {5, 7}
    with database.cursor() as cursor:
        cursor.execute("SELECT message FROM logs ORDER BY 1")
        assert [row[0] for row in cursor.fetchall()] == ["0", "1", "2", "3", "4", "first"]


def test_a_reason_is_brought_up_to_date(
    redrive: Redrive, quarantined: list[bytes], database: extensions.connection
) -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE quarantine SET reason = 'of an earlier release'")
        cursor.execute("ALTER TABLE logs ADD CONSTRAINT late CHECK (message <> '3')")
    assert redrive(reason="of an") == {"stored": 4, "kept": 3}
    assert "late" in reasons(database)[3]
    assert reasons(database)[5].startswith("Not valid JSON")
    assert reasons(database)[7].startswith("Conflict")


@pytest.mark.parametrize(
    ("query", "stored"),
    [
        ({"reason": "PostgreSQL refused it"}, 5),
        ({"reason": "Conflict"}, 0),
        ({"event_index": 3}, 1),
        ({"sequence_number": "0", "shard_id": "shardId-000000000000"}, 5),
        ({"sequence_number": "1"}, 0),
        ({"until": "2020-01-01T00:00:00Z"}, 0),
        ({"since": "2020-01-01T00:00:00Z", "stream": "local-test"}, 5),
        ({"kind": "errors"}, 0),
    ],
)
def test_by_what_it_is_told(
    redrive: Redrive, quarantined: list[bytes], query: dict[str, Any], stored: int
) -> None:
    assert redrive(**query)["stored"] == stored


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"kind": "quarantine"}, "kind"),
        ({"reasons": ""}, "unknown field `reasons`"),
        ({"reason": "\0"}, "character"),
        ({"since": "yesterday"}, "since"),
    ],
)
def test_says_what_is_wrong(redrive: Redrive, query: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        redrive(**query)
