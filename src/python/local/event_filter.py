"""Which records of a stream an event source mapping lets through: filters of event patterns.

Source: "Using event filtering with a Kinesis event source" and "Control which events Lambda sends
to your function" in the Lambda developer guide.
"""

import json
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

type Pattern = Mapping[str, Any]

ABSENT = object()
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


def parse(text: str) -> Pattern:
    """An event pattern from its JSON. Raises ValueError that says what can't be read in it."""
    pattern = json.loads(text)
    if not isinstance(pattern, dict):
        raise ValueError(f"{text} is no object")
    _require_pattern(pattern)
    return pattern


def passes(data: bytes, patterns: Sequence[Pattern]) -> bool:
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


def matches(pattern: Pattern, event: Any) -> bool:
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
    raise AssertionError(f"{name} was not refused")


def _require_pattern(pattern: Pattern) -> None:
    for name, rule in pattern.items():
        if name == "$or":
            if not isinstance(rule, list) or not all(isinstance(each, dict) for each in rule):
                raise ValueError(f"$or needs a list of patterns, not {json.dumps(rule)}")
            for alternative in rule:
                _require_pattern(alternative)
        elif isinstance(rule, dict):
            _require_pattern(rule)
        elif not isinstance(rule, list) or not rule:
            raise ValueError(f"{name} needs a list of values, not {json.dumps(rule)}")
        elif not all(map(_is_rule, rule)):
            raise ValueError(f"{name} has a value that can't be read: {json.dumps(rule)}")


def _is_rule(rule: Any) -> bool:
    if not isinstance(rule, dict):
        return not isinstance(rule, list)
    match rule:
        case {"exists": bool()}:
            pass
        case {"prefix": str()} | {"suffix": str()} | {"equals-ignore-case": str()}:
            pass
        case {"anything-but": list(refused)}:
            return not any(isinstance(each, list | dict) for each in refused)
        case {"anything-but": refused}:
            return not isinstance(refused, dict)
        case {"numeric": [_, _] | [_, _, _, _] as operand}:
            limits = [isinstance(limit, int | float) for limit in operand[1::2]]
            return all(limits) and all(sign in COMPARISONS for sign in operand[::2])
        case _:
            return False
    return len(rule) == 1
