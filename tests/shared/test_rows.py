from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import ErrorEvent, Frame, LogEvent, decode
from shared.rows import error_row, fingerprint, in_application, log_row
from shared.tables import ERRORS, LOGS
from tests.fixtures.documents import error, log, stored

STACK: list[dict[str, Any]] = [
    {"file": "/srv/shop/main.py", "function": "main", "line": 10, "code": "run()"},
    {"file": "/srv/venv/lib/python3.13/site-packages/flask/app.py", "function": "dispatch"},
    {"file": "/srv/shop/orders.py", "function": "pay", "line": 7, "code": "raise ValueError"},
]


def of(**fields: Any) -> str:
    return fingerprint(decode(stored(error(**{"stack": STACK, **fields})), ErrorEvent))


def changed(position: int, **fields: Any) -> list[dict[str, Any]]:
    return [{**frame, **fields} if n == position else frame for n, frame in enumerate(STACK)]


@pytest.mark.parametrize(
    "fields",
    [
        {"message": "no such basket: 4711"},
        {"service": "other"},
        {"stack": changed(2, line=99, code="raise  ValueError()")},
        {"stack": changed(2, file="/home/me/shop/orders.py")},
        {"stack": changed(2, file="C:\\shop\\orders.py")},
        {"stack": changed(1, function="full_dispatch")},
        {"stack": changed(1, file="/other/lib/python3.12/site-packages/flask/app.py")},
        {"stack": [*STACK, *STACK]},
    ],
)
def test_same_fault(fields: dict[str, Any]) -> None:
    assert of(**fields) == of()


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "KeyError"},
        {"stack": changed(2, function="refund")},
        {"stack": changed(2, file="/srv/shop/refunds.py")},
        {"stack": changed(2, in_application=False)},
        {"stack": changed(1, in_application=True)},
        {"stack": []},
        {"causes": [{"type": "OSError", "message": ""}]},
    ],
)
def test_other_fault(fields: dict[str, Any]) -> None:
    assert of(**fields) != of()


def test_causes_count_by_type_and_calls_but_not_by_message() -> None:
    def caused(**fields: Any) -> str:
        return of(causes=[{"type": "OSError", "message": "disk 1", "stack": STACK, **fields}])

    assert caused() == caused(message="disk 2")
    assert len({caused(), caused(type="IOError"), caused(stack=STACK[:1])}) == 3


def test_without_any_stack_the_message_tells_without_its_values() -> None:
    first, second, other = (
        of(stack=[], message=message)
        for message in ("order 17 of a1b2 lost", "order 9 of c3 lost", "order found")
    )
    assert first == second != other


@given(st.lists(st.sampled_from(STACK), max_size=20), st.integers(0, 10**6))
def test_lines_never_matter(stack: list[dict[str, Any]], line: int) -> None:
    assert of(stack=stack) == of(stack=[{**frame, "line": line} for frame in stack])


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/srv/shop/orders.py", True),
        ("orders.py", True),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", False),
        ("/opt/python/lib/python3.13/asyncio/runners.py", False),
        ("C:\\Users\\me\\Python313\\Lib\\json\\decoder.py", False),
        ("<frozen importlib._bootstrap>", False),
    ],
)
def test_in_application_by_path(file: str, expected: bool) -> None:
    assert in_application(Frame(file=file, function="f")) is expected


def test_a_row_has_the_columns_of_its_table() -> None:
    row = error_row(decode(stored(error(stack=STACK, partition_key="not stored")), ErrorEvent))
    assert row.keys() == ERRORS.columns.keys()
    row = log_row(decode(stored(log(partition_key="not stored")), LogEvent))
    assert row.keys() == LOGS.columns.keys()
