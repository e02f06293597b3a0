"""Attributes of some names lose their values before an event is put on a stream."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from shared.ingestion import Intake
from shared.records import MAXIMUM_EVENT_BYTES, Line

REDACTED = "[redacted]"


def names(environment: Mapping[str, str]) -> frozenset[str]:
    """The names in REDACTED_FIELDS, separated by commas, whose case does not count."""
    given = environment.get("REDACTED_FIELDS", "").split(",")
    return frozenset(name.strip().casefold() for name in given) - {""}


def redact(intake: Intake, names: Collection[str]) -> Intake:
    """The intake without the values that attributes of these names have, however deep they are.

    An event that would no longer fit a record is rejected.
    """
    if not names:
        return intake
    redacted = Intake([], dict(intake.ids), list(intake.rejected))
    for line in intake.lines:
        data = _redacted(line.data, names)
        if len(data) <= MAXIMUM_EVENT_BYTES:
            redacted.lines.append(Line(line.index, line.partition_key, data))
        else:
            del redacted.ids[line.index]
            reason = f"More than {MAXIMUM_EVENT_BYTES} bytes once redacted"
            redacted.rejected.append({"index": line.index, "field": "attributes", "reason": reason})
    return redacted


def _redacted(document: bytes, names: Collection[str]) -> bytes:
    event = msgspec.json.decode(document)
    if "attributes" not in event:
        return document
    event["attributes"] = _without_values(event["attributes"], names)
    return msgspec.json.encode(event)


def _without_values(value: Any, names: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: REDACTED if key.casefold() in names else _without_values(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without_values(item, names) for item in value]
    return value
