"""How long events are kept, and how far ahead their partitions are made."""

from datetime import date, datetime, timedelta

DAYS_AHEAD = 14  # so long may the schedule fail before events fill the default partition
KEPT = {"logs": timedelta(days=30), "errors": timedelta(days=90)}


def expiry(now: datetime) -> dict[str, datetime]:
    """For each table the time before which its events are no longer kept."""
    return {table: now - kept for table, kept in KEPT.items()}


def days_ahead(now: datetime) -> list[date]:
    """The days, in UTC, whose partitions must be there. Today's is filling where it is."""
    return [now.date() + timedelta(days=ahead) for ahead in range(1, DAYS_AHEAD + 1)]
