"""When rows of error_counts are merged."""

from datetime import timedelta

# So long does a person who goes from page to page see the faults in the order of the first page.
UNMERGED = timedelta(minutes=15)
# Whole days that are left in hours: the pages show the last 24 hours, also of a page gone to later.
DAYS_IN_HOURS = timedelta(days=2)
ROWS = 1000  # that a transaction leaves


def report(merged: list[int]) -> dict[str, int]:
    """How many faults' hours and days were merged, given how many in each transaction."""
    return {"merged": sum(merged)}
