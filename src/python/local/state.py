"""The state directory (`.local`): who holds it, how files change, and the secrets made for it."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalCloudError


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Keeps `state` to this process; the kernel gives it free when the process ends in any way.

    Raises LocalCloudError when another local cloud holds it.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalCloudError(
                f"Another local cloud uses {state}: stop it, or choose another with --state."
            ) from error
        yield


def replace(path: Path, content: bytes) -> None:
    """Writes a file in one step: it has what it had before, or all of `content`."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def secret(state: Path, name: str) -> str:
    """The secret kept in `state` under this name, random and made on first use."""
    path = state / name
    path.touch(mode=0o600)
    if not path.stat().st_size:
        # Hexadecimal, as a Sentry DSN takes a key.
        path.write_text(secrets.token_hex(16))
    return path.read_text()
