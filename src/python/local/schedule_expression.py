"""EventBridge's schedule expressions: when `rate(…)` and `cron(…)` are due.

Source: "Cron expressions reference" and "Rate expressions reference" in the Amazon EventBridge
documentation. No library for cron knows `?`, `L`, `W` and `#` as EventBridge means them, with
Sunday as day 1 and a year.
"""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
PART = re.compile(r"(\*|\w+(?:-\w+)?)(?:/([1-9]\d*))?")
MONTH_NAMES = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
DAY_NAMES = "SUN MON TUE WED THU FRI SAT"
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES.split(), 1)}
DAYS = {name: number for number, name in enumerate(DAY_NAMES.split(), 1)}

type DayRule = Callable[[date], bool]


class ScheduleExpression(Protocol):
    def next_after(self, moment: datetime) -> datetime | None:
        """When it is due for the first time after `moment`; None if never again. All in UTC."""


def parse(expression: str, created: datetime) -> ScheduleExpression:
    """The meaning of an expression; a rate counts from `created`. Raises ValueError."""
    if rate := RATE.fullmatch(expression):
        return Rate(timedelta(**{f"{rate[2]}s": int(rate[1])}), created)
    if cron := CRON.fullmatch(expression):
        return Cron.parse(*cron.groups())
    raise ValueError(f"{expression!r} is neither rate(…) nor cron(…) with six fields")


@dataclass(frozen=True)
class Rate:
    interval: timedelta
    created: datetime

    def next_after(self, moment: datetime) -> datetime:
        return self.created + ((moment - self.created) // self.interval + 1) * self.interval


@dataclass(frozen=True)
class Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    is_due_on: DayRule

    @classmethod
    def parse(
        cls, minutes: str, hours: str, day_of_month: str, month: str, day_of_week: str, years: str
    ) -> "Cron":
        if (day_of_month == "?") == (day_of_week == "?"):
            raise ValueError("of day-of-month and day-of-week, exactly one must be '?'")
        return cls(
            minutes=_numbers(minutes, 0, 59),
            hours=_numbers(hours, 0, 23),
            months=_numbers(month, 1, 12, MONTHS),
            years=_numbers(years, 1970, 2199),
            is_due_on=_weekdays(day_of_week) if day_of_month == "?" else _days(day_of_month),
        )

    def next_after(self, moment: datetime) -> datetime | None:
        times = [time(h, m, tzinfo=UTC) for h in sorted(self.hours) for m in sorted(self.minutes)]
        for day in self._due_days(moment.date()):
            for each in times:
                if (due := datetime.combine(day, each)) > moment:
                    return due
        return None

    def _due_days(self, first: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= first.year):
            for month in sorted(self.months):
                for number in range(1, calendar.monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= first and self.is_due_on(day):
                        yield day


def _numbers(
    field: str, lowest: int, highest: int, names: dict[str, int] | None = None
) -> frozenset[int]:
    """The numbers of a field: `*`, `3`, `MON`, `1-5`, `*/5`, `10/15` and lists of these."""

    def number(text: str) -> int:
        value = (names or {}).get(text.upper())
        if value is None:
            value = int(text) if text.isdecimal() else -1
        if not lowest <= value <= highest:
            raise ValueError(f"{text} is not in {lowest} to {highest}")
        return value

    found: set[int] = set()
    for part in field.split(","):
        matched = PART.fullmatch(part)
        if matched is None:
            raise ValueError(f"{part!r} can't be read")
        span, step = matched.groups()
        if span == "*":
            first, last = lowest, highest
        elif "-" in span:
            first, last = map(number, span.split("-"))
        else:
            first = number(span)
            last = highest if step else first
        if last < first:  # such as FRI-MON
            found.update(range(first, highest + 1))
            first = lowest
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _days(field: str) -> DayRule:
    """The rule of a day-of-month field: also `L`, the last day, and `15W`, the weekday nearest."""
    if field == "L":
        return lambda day: day.day == _last_day(day)
    if field == "LW":
        return lambda day: day == _nearest_weekday(day.replace(day=_last_day(day)))
    if field.endswith("W"):
        (number,) = _numbers(field[:-1], 1, 31)
        return lambda day: (
            number <= _last_day(day) and day == _nearest_weekday(day.replace(day=number))
        )
    numbers = _numbers(field, 1, 31)
    return lambda day: day.day in numbers


def _weekdays(field: str) -> DayRule:
    """The rule of a day-of-week field: also `FRIL`, the last one, and `6#3`, the month's third."""
    if field == "L":
        field = "7"
    elif field.upper().endswith("L"):
        (weekday,) = _numbers(field[:-1], 1, 7, DAYS)
        return lambda day: _weekday(day) == weekday and day.day > _last_day(day) - 7
    if "#" in field:
        name, _, position = field.partition("#")
        (weekday,), (week,) = _numbers(name, 1, 7, DAYS), _numbers(position, 1, 5)
        return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == week
    weekdays = _numbers(field, 1, 7, DAYS)
    return lambda day: _weekday(day) in weekdays


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1  # Sunday is 1


def _last_day(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date) -> date:
    """The day itself or, of a weekend, the nearest weekday of the same month."""
    if day.isoweekday() == 6:
        return day - timedelta(1) if day.day > 1 else day + timedelta(2)
    if day.isoweekday() == 7:
        return day + timedelta(1) if day.day < _last_day(day) else day - timedelta(2)
    return day
