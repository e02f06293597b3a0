import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg2 import extensions

from consumers.merge_error_counts import core
from tests.fixtures.browser import as_role
from tests.fixtures.invocation import Context

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MIDDAY = TODAY - timedelta(hours=12)


@pytest.fixture
def merge(
    database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, int]]:
    loaded = as_role("consumers.merge_error_counts", "sluice_counts", database, monkeypatch)
    monkeypatch.setattr(core, "UNMERGED", timedelta(0))
    return lambda: dict(loaded.merge_error_counts({}, Context()))


def insert(database: extensions.connection, *errors: tuple[str, str, datetime]) -> None:
    with database.cursor() as cursor:
        rows = [
            cursor.mogrify(
                "(%s, %s, 'shop', 'test', %s, 'E', %s, '[]', '[]', '{}')",
                (str(uuid4()), occurred_at, fingerprint, message),
            ).decode()
            for fingerprint, message, occurred_at in errors
        ]
        cursor.execute(
            "INSERT INTO errors (event_id, occurred_at, service, environment, fingerprint, type,"
            f" message, stack, causes, attributes) VALUES {', '.join(rows)}"
        )


def counts(database: extensions.connection) -> list[Any]:
    """What the rows come to, which a merge must not change; with how many rows there are."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint, hour, sum(count), min(first_seen), max(last_seen),"
            " (array_agg(message ORDER BY last_seen DESC))[1] FROM error_counts"
            " GROUP BY 1, 2 HAVING sum(count) > 0 ORDER BY 1, 2"
        )
        return cursor.fetchall()


def rows(database: extensions.connection) -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM error_counts")
        ((count,),) = cursor.fetchall()
        return int(count)


def test_each_statement_adds_what_it_writes(database: extensions.connection) -> None:
    later = MIDDAY + timedelta(minutes=59)
    insert(database, ("a", "first", MIDDAY), ("a", "last", later), ("b", "other", MIDDAY))
    insert(database, ("a", "before", MIDDAY - timedelta(seconds=1)))
    hour_before = MIDDAY - timedelta(hours=1)
    assert counts(database) == [
        (
            "a",
            hour_before,
            1,
            MIDDAY - timedelta(seconds=1),
            MIDDAY - timedelta(seconds=1),
            "before",
        ),
        ("a", MIDDAY, 2, MIDDAY, later, "last"),
        ("b", MIDDAY, 1, MIDDAY, MIDDAY, "other"),
    ]


def test_a_merge_changes_how_many_rows_there_are_and_nothing_else(
    database: extensions.connection, merge: Callable[[], dict[str, int]]
) -> None:
    chance = random.Random(1)
    for round in range(3):
        for number in range(20):
            at = MIDDAY + timedelta(minutes=chance.randrange(180))
            insert(database, (chance.choice("abc"), f"{round} {number}", at))
        before = counts(database)
        assert merge()["merged"] > 0
        assert counts(database) == before
        assert rows(database) == len(before)
    assert merge() == {"merged": 0}


def test_what_was_added_of_late_is_left(
    database: extensions.connection,
    merge: Callable[[], dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    insert(database, ("a", "m", MIDDAY))
    insert(database, ("a", "m", MIDDAY))
    monkeypatch.setattr(core, "UNMERGED", timedelta(minutes=1))
    assert merge() == {"merged": 0}
    assert rows(database) == 2


def test_deleted_errors_no_longer_count(
    database: extensions.connection, merge: Callable[[], dict[str, int]]
) -> None:
    insert(database, ("a", "m", MIDDAY), ("b", "m", MIDDAY), ("b", "m", MIDDAY))
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM errors WHERE fingerprint = 'b'")
    assert [(row[0], row[2]) for row in counts(database)] == [("a", 1)]
    merge()
    assert rows(database) == 1


def test_an_error_that_is_not_stored_again_does_not_count_again(
    database: extensions.connection,
) -> None:
    insert(database, ("a", "m", MIDDAY))
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO errors SELECT * FROM errors ON CONFLICT DO NOTHING")
    assert [(row[0], row[2]) for row in counts(database)] == [("a", 1)]
    assert rows(database) == 1


def test_of_what_is_days_old_a_row_for_a_day_is_left(
    database: extensions.connection, merge: Callable[[], dict[str, int]]
) -> None:
    first_in_hours = TODAY - core.DAYS_IN_HOURS
    day_before = first_in_hours - timedelta(days=1)
    insert(
        database,
        ("a", "first", day_before),
        ("a", "last", first_in_hours - timedelta(seconds=1)),
        ("a", "next", first_in_hours),
        ("a", "later", first_in_hours + timedelta(hours=1)),
        ("b", "other", day_before + timedelta(hours=5)),
    )
    merge()
    last, later = first_in_hours - timedelta(seconds=1), first_in_hours + timedelta(hours=1)
    other = day_before + timedelta(hours=5)
    assert counts(database) == [
        ("a", day_before, 2, day_before, last, "last"),
        ("a", first_in_hours, 1, first_in_hours, first_in_hours, "next"),
        ("a", later, 1, later, later, "later"),
        ("b", day_before, 1, other, other, "other"),
    ]
    assert merge() == {"merged": 0}

    insert(database, ("b", "late", day_before + timedelta(hours=7)))
    assert merge() == {"merged": 1}
    assert [(row[0], row[2]) for row in counts(database)] == [
        ("a", 2),
        ("a", 1),
        ("a", 1),
        ("b", 2),
    ]


def test_hours_that_have_become_days_old_become_a_day(
    database: extensions.connection,
    merge: Callable[[], dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    yesterday = TODAY - timedelta(days=1)
    insert(database, *(("a", "m", yesterday + timedelta(hours=hour)) for hour in range(24)))
    merge()
    assert rows(database) == 24
    monkeypatch.setattr(core, "DAYS_IN_HOURS", timedelta(0))
    assert merge() == {"merged": 1}
    assert [row[1:3] for row in counts(database)] == [(yesterday, 24)]
