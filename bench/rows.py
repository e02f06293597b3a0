"""A row of a benchmark's table: ours against another, as a ratio of medians from one run."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

type Say = Callable[[str], None]
"""Told what is being done."""
type Benchmark = Callable[[Path, Say], Iterator[Row]]
"""Takes the directory of zips and manifests, yields the rows of its table."""


class CannotRun(Exception):
    """A benchmark or one of its peers can't run here; the message says what is missing."""


@dataclass(frozen=True)
class Goal:
    """The ratio to reach: `at` "most" or `at` "least" this."""

    at: Literal["most", "least"]
    ratio: float

    def __str__(self) -> str:
        return f"at {self.at} {self.ratio:.3g}"

    def is_reached(self, ratio: float) -> bool:
        return ratio <= self.ratio if self.at == "most" else ratio >= self.ratio


@dataclass(frozen=True)
class Row:
    """What was measured, ours and the other's, in `unit`; a row without samples could not be run.

    The unit decides what a large ratio means: with "events/s" it is good, with "ms" it is not.
    """

    what: str
    against: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The median of ours divided by the median of theirs."""
        if not self.ours or not self.theirs:
            return None
        return statistics.median(self.ours) / statistics.median(self.theirs)

    @property
    def is_reached(self) -> bool | None:
        """Whether the ratio is as the goal has it; None without goal or ratio."""
        if self.goal is None or self.ratio is None:
            return None
        return self.goal.is_reached(self.ratio)


def alternate(
    subjects: Mapping[str, Callable[[], float]], repetitions: int
) -> dict[str, list[float]]:
    """Measures each subject so many times, in turns: what else the machine does meets all alike.

    Each subject is called once before, for what only a first run finds cold.
    """
    for measure in subjects.values():
        measure()
    samples: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(repetitions):
        for name, measure in subjects.items():
            samples[name].append(measure())
    return samples


def quartiles(samples: Sequence[float]) -> tuple[float, float]:
    """The first and the third quartile: half of the samples lie between them."""
    if len(samples) < 2:
        return samples[0], samples[0]
    first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
    return first, third
