"""The benchmarks: ours beside what others use, each ratio beside its goal.

./pants run //:bench -- all|zips|cold-start|producer|sink|write-path|build|pipeline|local-cloud
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console

from bench import (
    build,
    chart,
    cold_start,
    local_cloud,
    pipeline,
    producer,
    report,
    sink,
    write_path,
    zips,
)
from bench.rows import Benchmark, CannotRun, Row

BENCHMARKS: dict[str, Benchmark] = {
    "zips": zips.rows,
    "cold-start": cold_start.rows,
    "producer": producer.rows,
    "sink": sink.rows,
    "write-path": write_path.rows,
    "build": build.rows,
    "pipeline": pipeline.rows,
    "local-cloud": local_cloud.rows,
}


def run(name: str, functions: Path, results: Path, console: Console) -> None:
    """Runs a benchmark, prints its table and writes its raw results."""
    console.rule(name)
    rows = list(_until_it_cannot(name, BENCHMARKS[name](functions, console.log)))
    console.print(report.table(name, rows))
    report.write(results, name, rows)


def _until_it_cannot(name: str, rows: Iterator[Row]) -> Iterable[Row]:
    try:
        yield from rows
    except CannotRun as reason:
        yield Row(name, "", "", [], [], note=str(reason))


def main() -> int:
    parser = argparse.ArgumentParser(description="Holds Sluice against what others use.")
    parser.add_argument("benchmark", choices=["all", *BENCHMARKS])
    parser.add_argument(
        "--packaged", type=Path, required=True, help="the directory of zips and manifests"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("bench/results"),
        help="where raw results are written; default: bench/results",
    )
    arguments = parser.parse_args()
    names = BENCHMARKS if arguments.benchmark == "all" else [arguments.benchmark]
    console = Console()
    for name in names:
        run(name, arguments.packaged, arguments.results, console)
    chart.write(arguments.results / "chart.svg", report.read(arguments.results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
