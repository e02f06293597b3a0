"""Child processes that never outlive the local cloud."""

import asyncio
import ctypes
import os
import pwd
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1  # capabilities(7)
_libc = ctypes.CDLL(None)  # loaded here, as little as possible may happen between fork and exec


async def start(
    command: Sequence[str | Path],
    *,
    directory: Path,
    variables: Mapping[str, str],
    log: IO[bytes],
    stdin: int = DEVNULL,
    stdout: int | None = None,
    user: pwd.struct_passwd | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    respects_permissions: bool = False,
    prepare_disk: Callable[[], None] | None = None,
) -> Process:
    """Starts a program that gets `death_signal` from the kernel when this process dies in any way.

    It has a session of its own: Ctrl-C reaches us alone, and we stop it in the right order. The
    kernel ties the signal to the thread that forks, so this must run on the main thread.
    A program that `respects_permissions` can't write to a read-only file even when root runs it.
    `prepare_disk` is called in the child before that.
    """

    def prepare() -> None:
        if prepare_disk is not None:
            prepare_disk()
        if respects_permissions:
            _libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)  # who isn't root hasn't got it
        _libc.prctl(PR_SET_PDEATHSIG, death_signal.value)

    return await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env=variables,
        stdin=stdin,
        stdout=log if stdout is None else stdout,
        stderr=log,
        user=user and user.pw_uid,
        group=user and user.pw_gid,
        extra_groups=user and [],
        start_new_session=True,
        preexec_fn=prepare,  # after the change of user, which resets it
    )


async def stop(
    process: Process, stop_signal: signal.Signals = signal.SIGKILL, seconds: float = 1.5
) -> None:
    """Stops a program: `stop_signal`, and after `seconds` SIGKILL, also to all it has started."""
    if process.returncode is None:
        process.send_signal(stop_signal)
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            process.kill()
    with suppress(ProcessLookupError):  # nothing may be left of its session
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
