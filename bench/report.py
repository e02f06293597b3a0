"""What becomes of rows: a table on the terminal, a file of raw results, a chart."""

import dataclasses
import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from bench.rows import Goal, Row, quartiles


def table(name: str, rows: Iterable[Row]) -> Table:
    """The rows as a table: medians, in brackets the quartiles; reached goals are green."""
    columns = "what", "ours", "against", "theirs", "ratio", "goal"
    result = Table(*columns, title=name, show_lines=True)
    for row in rows:
        against = f"{row.against}\n{row.note}" if row.note else row.against
        ratio = "not run" if row.ratio is None else f"{row.ratio:.3g}"
        style = {True: "green", False: "red", None: ""}[row.is_reached]
        result.add_row(
            row.what,
            measured(row.ours, row.unit),
            against,
            measured(row.theirs, row.unit),
            ratio,
            "" if row.goal is None else str(row.goal),
            style=style,
        )
    return result


def measured(samples: Sequence[float], unit: str) -> str:
    """The median with its unit, and the quartiles where there are several samples."""
    if not samples:
        return ""
    median = f"{number(statistics.median(samples))} {unit}"
    if len(samples) == 1:
        return median
    first, third = quartiles(samples)
    return f"{median}\n({number(first)} to {number(third)})"


def number(value: float) -> str:
    """Three significant digits, and all digits before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write(directory: Path, name: str, rows: Sequence[Row]) -> None:
    """Writes the raw results of a benchmark, with the machine and the date, as JSON."""
    content = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "rows": [dataclasses.asdict(row) | {"ratio": row.ratio} for row in rows],
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def read(directory: Path) -> list[Row]:
    """The rows of all benchmarks whose raw results are there."""
    contents = [json.loads(file.read_text()) for file in sorted(directory.glob("*.json"))]
    return [_row(fields) for content in contents for fields in content["rows"]]


def _row(fields: dict[str, object]) -> Row:
    values = {name: value for name, value in fields.items() if name != "ratio"}
    goal = values.pop("goal")
    return Row(**values, goal=Goal(**goal) if isinstance(goal, dict) else None)  # type: ignore[arg-type]


def machine() -> str:
    """The processor, how many of it, the system and the Python."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.processor() or platform.machine()
    return (
        f"{os.cpu_count()} × {processor}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )
