"""Rows: ratios of medians, held against goals."""

from pathlib import Path

import pytest

from bench import chart, report
from bench.rows import Goal, Row, alternate, quartiles


def row(ours: list[float], theirs: list[float], goal: Goal | None = None) -> Row:
    return Row("size", "another's", "bytes", ours, theirs, goal)


def test_the_ratio_is_of_medians() -> None:
    assert row([1, 2, 90], [4, 8, 8]).ratio == 0.25


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (Goal("most", 0.25), True),
        (Goal("most", 0.2), False),
        (Goal("least", 0.25), True),
        (Goal("least", 0.3), False),
        (None, None),
    ],
)
def test_a_goal_is_reached_up_to_its_ratio(goal: Goal | None, reached: bool | None) -> None:
    assert row([1], [4], goal).is_reached is reached


def test_a_row_that_could_not_be_run_has_neither_ratio_nor_verdict() -> None:
    unmeasured = row([], [], Goal("most", 1))
    assert unmeasured.ratio is None
    assert unmeasured.is_reached is None


def test_subjects_are_measured_in_turns_after_one_call_each() -> None:
    calls: list[str] = []

    def subject(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    samples = alternate({"a": lambda: subject("a"), "b": lambda: subject("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert samples == {"a": [3, 5], "b": [4, 6]}


def test_half_of_the_samples_lie_between_the_quartiles() -> None:
    assert quartiles([1, 2, 3, 4, 5]) == (2, 4)
    assert quartiles([7]) == (7, 7)


def test_raw_results_are_read_back_as_they_were(tmp_path: Path) -> None:
    rows = [row([1, 2], [3], Goal("least", 2)), row([], [])]
    report.write(tmp_path, "zips", rows)
    assert report.read(tmp_path) == rows


def test_the_chart_has_two_bars_for_a_row_with_a_goal_and_none_without(tmp_path: Path) -> None:
    file = tmp_path / "chart.svg"
    chart.write(file, [row([1], [4], Goal("most", 0.5)), row([1], [4]), row([], [])])
    assert file.read_text().count("<rect") == 1 + 2
