"""The tables that events are kept in, as far as more than one function must know them."""

from collections.abc import Mapping

import msgspec


class Table(msgspec.Struct, frozen=True):
    """A table of events: the columns that a sink writes with their types, and what reads go by.

    `key` orders the rows, its first column being the time. `filters` are the columns that a read
    may ask to equal a value. `derived` columns are made by our code, which changes: they do not
    tell whether two rows are the same event.
    """

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...] = ("occurred_at", "event_id")
    filters: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()

    @property
    def time(self) -> str:
        """The column that says when."""
        return self.key[0]


_COMMON = {
    "event_id": "uuid",
    "occurred_at": "timestamptz",
    "service": "text",
    "environment": "text",
    "message": "text",
    "attributes": "jsonb",
}

LOGS = Table("logs", {**_COMMON, "level": "text"}, filters=("service", "level"))
ERRORS = Table(
    "errors",
    {**_COMMON, "fingerprint": "text", "type": "text", "stack": "jsonb", "causes": "jsonb"},
    filters=("service", "type"),
    derived=("fingerprint",),
)
QUARANTINE = Table(
    "quarantine",
    {
        "stream": "text",
        "shard_id": "text",
        "sequence_number": "text",
        "event_index": "integer",
        "kind": "text",
        "reason": "text",
        "raw": "bytea",
    },
    key=("quarantined_at", "stream", "shard_id", "sequence_number", "event_index"),
)

TABLES = {table.name: table for table in (LOGS, ERRORS, QUARANTINE)}
