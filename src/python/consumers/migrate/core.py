"""What migrate did."""

from collections.abc import Collection, Iterable


def report(known: Iterable[str], pending: Collection[str]) -> dict[str, list[str]]:
    """Names the migrations that were pending, now applied, and those applied before."""
    names = sorted(known)
    return {
        "applied": [name for name in names if name in pending],
        "already_applied": [name for name in names if name not in pending],
    }
