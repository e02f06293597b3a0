"""Which records of a stream an event source mapping lets through: filters of event patterns.

Source: "Using event filtering with a Kinesis event source" and "Control which events Lambda sends
to your function" in the Lambda developer guide.
"""

import json
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ABSENT = object()
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def passes(data: bytes, patterns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a record's data matches one of the patterns; without patterns every record passes.

    Data that is no JSON matches no pattern on `data`.
    """
    if not patterns:
        return True
    try:
        event = {"data": json.loads(data)}
    except ValueError:
        event = {}
    return any(matches(pattern, event) for pattern in patterns)


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether every field of the pattern is met by the event."""
    if not isinstance(event, dict):
        return False
    for name, rule in pattern.items():
        if name == "$or":
            if not any(matches(alternative, event) for alternative in rule):
                return False
        elif isinstance(rule, dict):
            if not matches(rule, event.get(name, {})):
                return False
        elif not _any_value(rule, event.get(name, ABSENT)):
            return False
    return True


def _any_value(rules: Iterable[Any], value: Any) -> bool:
    # A list in the event matches if one of its elements does.
    values = value if isinstance(value, list) else [value]
    return any(_value(rule, each) for rule in rules for each in values)


def _value(rule: Any, value: Any) -> bool:
    if not isinstance(rule, dict):
        # In JSON, unlike Python, 1 is not true.
        return bool(rule == value) and isinstance(rule, bool) == isinstance(value, bool)
    ((name, operand),) = rule.items()
    match name:
        case "exists":
            return (value is not ABSENT) is operand
        case "prefix":
            return isinstance(value, str) and value.startswith(operand)
        case "suffix":
            return isinstance(value, str) and value.endswith(operand)
        case "equals-ignore-case":
            return isinstance(value, str) and value.casefold() == operand.casefold()
        case "anything-but":
            refused = operand if isinstance(operand, list) else [operand]
            return value is not ABSENT and not _any_value(refused, value)
        case "numeric":
            return isinstance(value, int | float) and all(
                COMPARISONS[sign](value, limit)
                for sign, limit in zip(operand[::2], operand[1::2], strict=True)
            )
    raise ValueError(f"Event patterns have no operator {name!r}")
