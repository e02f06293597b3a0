import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.index import views

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


def stack(*files: str) -> str:
    return json.dumps([{"file": file, "function": f"f{n}"} for n, file in enumerate(files)])


def test_a_stack_is_read_from_the_innermost_call_with_libraries_apart() -> None:
    library = "/venv/lib/python3.13/site-packages/x.py"
    (exception,) = views.exceptions(
        "E", "m", stack("/srv/main.py", library, library, "/srv/a.py"), "[]"
    )
    calls = [
        (group.in_application, [f.function for f in group.frames]) for group in exception.calls
    ]
    assert calls == [(True, ["f3"]), (False, ["f2", "f1"]), (True, ["f0"])]
    assert exception.left_out == 0


def test_causes_follow_and_what_is_too_much_is_left_out() -> None:
    causes = json.dumps([{"type": f"C{n}", "message": "m"} for n in range(50)])
    shown = views.exceptions("E", "m" * 100_000, stack(*["/srv/a.py"] * 500), causes)
    assert [each.type for each in shown] == ["E", *(f"C{n}" for n in range(views.MAXIMUM_CAUSES))]
    assert len(shown[0].message) == views.MAXIMUM_CHARACTERS + 1
    assert shown[0].left_out == 500 - views.MAXIMUM_FRAMES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext é 漢 👩‍💻", "plain\n\ttext é 漢 👩‍💻"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\x1b[31m", "a\\u001b[31m"),
        ("\ufeff\u200b", "\\ufeff\\u200b"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert views.visible(text) == shown


@pytest.mark.parametrize(
    ("data", "size", "shown"),
    [
        (b"{}", 2, "{}"),
        ("äö".encode()[:3], 4, "ä…"),
        (b"\xff\x00", 2, "ff 00"),
        (b"\xff" * 4000, 5000, " ".join(["ff"] * 1024) + "…"),
    ],
)
def test_bytes_are_shown_as_text_or_as_digits(data: bytes, size: int, shown: str) -> None:
    assert views.raw(data, size) == shown


@given(st.binary(max_size=40), st.integers(0, 10))
def test_any_bytes_are_shown(data: bytes, more: int) -> None:
    views.visible(views.raw(data, len(data) + more)).encode()


def test_hours_are_the_24_to_now_also_those_without_an_error() -> None:
    hour = int(NOW.replace(minute=0).timestamp())
    bars = views.hours({str(hour): 1000, str(hour - 23 * 3600): 2, str(hour - 24 * 3600): 7}, NOW)
    assert bars.values == [2, *[0] * 22, 1000]
    assert bars.words == "1,002 in the last 24 hours, at most 1,000 in one hour: 12:00 UTC"
    assert bars.path == "M0 24v-2h4v2zM115 24v-24h4v24z"
    assert views.hours(None, NOW).path == ""


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=5), "5 s ago"),
        (timedelta(minutes=61), "1 h ago"),
        (timedelta(days=3), "3 d ago"),
        (timedelta(seconds=-2), "in the future"),
    ],
)
def test_ages_are_read_at_a_glance(age: timedelta, words: str) -> None:
    assert views.ago(NOW - age, NOW) == words


def test_a_document_is_made_readable_if_it_is_whole() -> None:
    assert views.document('{"a": "é"}') == '{\n  "a": "é"\n}'
    assert views.document('{"a": "é') == '{"a": "é…'
