"""The sizes of the zips."""

from collections.abc import Iterator
from pathlib import Path

from bench import peers
from bench.rows import CannotRun, Goal, Row, Say

OURS = {"producer": "producers.error_event", "sink": "consumers.error_sink"}
GOALS = {"producer": Goal("most", 1 / 8), "sink": Goal("most", 0.9)}


def rows(functions: Path, say: Say) -> Iterator[Row]:
    """The size of our zips, bytecode included, against each peer's zip of the same function."""
    for peer in peers.ALL:
        sizes: dict[str, list[float]] = {}
        note = ""
        try:
            sizes = {name: [zip.stat().st_size] for name, zip in peers.zips(peer, say).items()}
        except CannotRun as reason:
            note = str(reason)
        for function, name in OURS.items():
            yield Row(
                what=f"{function} zip size, bytecode included",
                against=f"{peer.name}'s zip",
                unit="bytes",
                ours=[(functions / f"{name}.zip").stat().st_size],
                theirs=sizes.get(function, []),
                goal=GOALS[function] if peer is peers.SAM else None,
                note=note,
            )
