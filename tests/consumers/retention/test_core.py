from datetime import UTC, date, datetime

from consumers.retention.core import days_ahead, expiry


def test_errors_are_kept_longer_than_logs() -> None:
    assert expiry(datetime(2026, 6, 1, tzinfo=UTC)) == {
        "logs": datetime(2026, 5, 2, tzinfo=UTC),
        "errors": datetime(2026, 3, 3, tzinfo=UTC),
    }


def test_partitions_are_made_from_tomorrow_on() -> None:
    days = days_ahead(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert (days[0], days[-1], len(days)) == (date(2027, 1, 1), date(2027, 1, 14), 14)
