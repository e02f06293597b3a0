"""Rules of "Cron expressions reference" and "Rate expressions reference" in the Amazon EventBridge
documentation.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.schedule_expression import parse

START = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)  # a Wednesday


def dues(expression: str, count: int = 3) -> list[str]:
    schedule, moment, found = parse(expression, START), START, []
    for _ in range(count):
        due = schedule.next_after(moment)
        if due is None:
            break
        found.append(f"{due:%Y-%m-%d %H:%M}")
        moment = due
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(1 minute)", ["2026-07-01 10:31", "2026-07-01 10:32", "2026-07-01 10:33"]),
        ("rate(12 hours)", ["2026-07-01 22:30", "2026-07-02 10:30", "2026-07-02 22:30"]),
        ("rate(1 day)", ["2026-07-02 10:30", "2026-07-03 10:30", "2026-07-04 10:30"]),
        ("cron(0 10 * * ? *)", ["2026-07-02 10:00", "2026-07-03 10:00", "2026-07-04 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-07-01 12:15", "2026-07-02 12:15", "2026-07-03 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-07-01 18:00", "2026-07-02 18:00", "2026-07-03 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-08-01 08:00", "2026-09-01 08:00", "2026-10-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-07-01 10:45", "2026-07-01 11:00", "2026-07-01 11:15"]),
        ("cron(*/20 10 * * ? *)", ["2026-07-01 10:40", "2026-07-02 10:00", "2026-07-02 10:20"]),
        ("cron(0 9,17 ? * 1 *)", ["2026-07-05 09:00", "2026-07-05 17:00", "2026-07-12 09:00"]),
        ("cron(0 0 ? * FRI-SUN *)", ["2026-07-03 00:00", "2026-07-04 00:00", "2026-07-05 00:00"]),
        ("cron(0 0 L * ? *)", ["2026-07-31 00:00", "2026-08-31 00:00", "2026-09-30 00:00"]),
        ("cron(0 0 LW * ? *)", ["2026-07-31 00:00", "2026-08-31 00:00", "2026-09-30 00:00"]),
        ("cron(0 0 15W * ? *)", ["2026-07-15 00:00", "2026-08-14 00:00", "2026-09-15 00:00"]),
        ("cron(0 0 1W 8 ? *)", ["2026-08-03 00:00", "2027-08-02 00:00", "2028-08-01 00:00"]),
        ("cron(0 0 31W * ? *)", ["2026-07-31 00:00", "2026-08-31 00:00", "2026-10-30 00:00"]),
        ("cron(0 0 ? * 6L *)", ["2026-07-31 00:00", "2026-08-28 00:00", "2026-09-25 00:00"]),
        ("cron(0 0 ? * L *)", ["2026-07-04 00:00", "2026-07-11 00:00", "2026-07-18 00:00"]),
        ("cron(0 0 ? * 3#2 *)", ["2026-07-14 00:00", "2026-08-11 00:00", "2026-09-08 00:00"]),
        ("cron(0 0 ? FEB,3 TUE#5 *)", ["2027-03-30 00:00", "2028-02-29 00:00", "2032-03-30 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(0 0 1 1 ? 2027/2)", ["2027-01-01 00:00", "2029-01-01 00:00", "2031-01-01 00:00"]),
        ("cron(0 0 1 1 ? 2027,2028)", ["2027-01-01 00:00", "2028-01-01 00:00"]),
        ("cron(0 0 1 1 ? 2025)", []),
        ("cron(0 0 30 2 ? *)", []),
    ],
)  # fmt: skip
def test_when_an_expression_is_due(expression: str, expected: list[str]) -> None:
    assert dues(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "every day",
        "rate(0 minutes)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 * 13 ? *)",
        "cron(0 0 ? * 0 *)",
        "cron(0 0 ? * FRY *)",
        "cron(0 0 ? * 2#6 *)",
        "cron(0 0 * * ? 1969)",
        "cron(0/0 0 * * ? *)",
        "cron(1-2-3 0 * * ? *)",
    ],
)
def test_an_expression_without_meaning_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        parse(expression, START)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_a_daily_cron_is_due_once_within_the_next_day(
    minute: int, hour: int, moment: datetime
) -> None:
    due = parse(f"cron({minute} {hour} * * ? *)", moment).next_after(moment)
    assert due is not None
    assert timedelta(0) < due - moment <= timedelta(1)
    assert (due.hour, due.minute, due.second) == (hour, minute, 0)


@given(st.integers(1, 1000), st.sampled_from(["minutes", "hours", "days"]))
def test_a_rate_is_due_at_equal_intervals_from_its_creation(number: int, unit: str) -> None:
    schedule = parse(f"rate({number} {unit})", START)
    moments = [START]
    for _ in range(3):
        due = schedule.next_after(moments[-1])
        assert due is not None
        moments.append(due)
    assert {later - earlier for earlier, later in pairwise(moments)} == {
        timedelta(**{unit: number})
    }
