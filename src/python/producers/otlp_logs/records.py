"""OpenTelemetry's log records, whatever encoding they came in.

Source: "Logs Data Model", OpenTelemetry specification.
"""

from dataclasses import dataclass
from typing import Any


class Malformed(Exception):
    """A body that is not a request in its encoding; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """What records have in common: the attributes of their resource, and their scope."""

    resource: dict[str, Any]
    scope: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record. Times are in nanoseconds since 1970, 0 where unknown; ids are hexadecimal."""

    source: Source
    time_unix_nano: int
    observed_time_unix_nano: int
    severity_number: int
    severity_text: str
    body: Any
    attributes: dict[str, Any]
    trace_id: str
    span_id: str
    event_name: str


def scope(name: str, version: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """A scope without what is empty."""
    given = {"name": name, "version": version, "attributes": attributes}
    return {key: value for key, value in given.items() if value}
