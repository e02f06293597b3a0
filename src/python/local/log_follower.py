"""The log of one function as it is written: the lines of all its execution environments."""

from pathlib import Path

from local.account import deployed_name
from local.cloud import Cloud
from local.errors import LocalCloudError


class LogFollower:
    """Follows nothing when `function` is None. Raises LocalCloudError when there is none such."""

    def __init__(self, cloud: Cloud, function: str | None) -> None:
        name = None if function is None else deployed_name(function)
        if name is not None and name not in cloud.functions:
            names = ", ".join(cloud.packaged.manifests)
            raise LocalCloudError(f"There is no function {function} to follow: choose of {names}.")
        self._directory = None if name is None else cloud.state / "logs" / name
        self._read: dict[Path, int] = {}  # bytes of each log

    def new_lines(self) -> list[str]:
        """The lines that were completed since the last call."""
        if self._directory is None:
            return []
        lines = []
        for log in sorted(self._directory.glob("*.log"), key=lambda path: path.stat().st_mtime_ns):
            with log.open("rb") as file:
                file.seek(self._read.get(log, 0))
                complete = file.read().rpartition(b"\n")[0]
            if complete:
                self._read[log] = self._read.get(log, 0) + len(complete) + 1
                lines += complete.decode(errors="replace").split("\n")
        return lines
