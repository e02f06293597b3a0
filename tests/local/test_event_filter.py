"""Rules of "Control which events Lambda sends to your function" and "Using event filtering with a
Kinesis event source", in the Lambda developer guide."""

import json
from typing import Any

import pytest

from local.event_filter import parse, passes


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (["a"], "a", True),
        (["a"], "b", False),
        (["a", "b"], "b", True),  # or
        ([None], None, True),
        ([None], "", False),
        ([""], "", True),
        ([5], 5, True),
        ([True], 1, False),
        ([{"equals-ignore-case": "ALICE"}], "alice", True),
        ([{"prefix": "eu-"}], "eu-west", True),
        ([{"prefix": "eu-"}], "us-west", False),
        ([{"suffix": ".png"}], "a.png", True),
        ([{"suffix": ".png"}], "a.jpg", False),
        ([{"anything-but": ["a", "b"]}], "a", False),
        ([{"anything-but": ["a", "b"]}], "c", True),
        ([{"numeric": ["=", 3]}], 3, True),
        ([{"numeric": [">", 1, "<=", 2]}], 2, True),
        ([{"numeric": [">", 1, "<=", 2]}], 1, False),
        ([{"numeric": [">", 1]}], "2", False),
        ([{"exists": True}], None, True),
        ([{"exists": False}], None, False),
        (["a"], ["b", "a"], True),  # an array matches by any of its elements
    ],
)
def test_an_operator(rule: Any, value: Any, expected: bool) -> None:
    data = json.dumps({"field": value}).encode()
    assert passes(data, [parse(json.dumps({"data": {"field": rule}}))]) is expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [([{"exists": False}], True), ([{"exists": True}], False), ([{"anything-but": "a"}], False)],
)
def test_a_field_that_is_not_there(rule: Any, expected: bool) -> None:
    assert passes(b"{}", [{"data": {"field": rule}}]) is expected
    assert passes(b"{}", [{"data": {"field": {"below": rule}}}]) is expected


def test_all_fields_of_a_pattern_must_match() -> None:
    patterns = [{"data": {"a": [1], "b": {"c": [2]}}}]
    assert passes(b'{"a": 1, "b": {"c": 2}}', patterns)
    assert not passes(b'{"a": 1, "b": {"c": 3}}', patterns)


def test_or_needs_one_of_its_alternatives() -> None:
    patterns = [{"data": {"$or": [{"a": [1]}, {"b": [2]}]}}]
    assert passes(b'{"a": 0, "b": 2}', patterns)
    assert not passes(b'{"a": 0, "b": 0}', patterns)


def test_filters_are_alternatives() -> None:
    assert passes(b'{"b": 2}', [{"data": {"a": [1]}}, {"data": {"b": [2]}}])


@pytest.mark.parametrize("data", [b"not JSON", b"\x1f\x8b\x00", b'"text"', b"[1]"])
def test_data_that_is_no_json_object_matches_no_pattern(data: bytes) -> None:
    assert not passes(data, [{"data": {"a": [1]}}])
    assert passes(data, [])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{", "Expecting"),
        ("[]", r"\[\] is no object"),
        ('{"data": "a"}', 'data needs a list of values, not "a"'),
        ('{"data": {"a": []}}', r"a needs a list of values, not \[\]"),
        ('{"data": {"$or": {"a": [1]}}}', "or needs a list of patterns"),
        ('{"data": {"$or": [{"a": 1}]}}', "a needs a list of values, not 1"),
        ('{"data": {"a": [[1]]}}', "a has a value that can't be read"),
        ('{"data": {"a": [{"cidr": "10.0.0.0/24"}]}}', 'a has a value .*"cidr"'),
        ('{"data": {"a": [{"prefix": "b", "suffix": "c"}]}}', "a has a value"),
        ('{"data": {"a": [{"exists": 1}]}}', "a has a value"),
        ('{"data": {"a": [{"numeric": [">", "1"]}]}}', "a has a value"),
        ('{"data": {"a": [{"numeric": ["about", 1]}]}}', "a has a value"),
        ('{"data": {"a": [{"numeric": [">"]}]}}', "a has a value"),
        ('{"data": {"a": [{"anything-but": {"prefix": "b"}}]}}', "a has a value"),
    ],
)
def test_a_pattern_that_can_not_be_read_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(pattern)
