"""When rows of error_counts are merged."""

from datetime import timedelta

# So long does a person who goes from page to page see the faults in the order of the first page.
UNMERGED = timedelta(minutes=15)
FAULT_HOURS = 1000  # in a transaction


def report(merged: list[int]) -> dict[str, int]:
    """How many faults' hours were merged, given how many in each transaction."""
    return {"merged": sum(merged)}
