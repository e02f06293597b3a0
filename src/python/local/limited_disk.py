"""A directory of a process's own with a limited size: a file system in memory.

Source: unshare(2), mount(2), tmpfs(5) and user_namespaces(7).
"""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_NOSUID_NODEV = 0x2 | 0x4
MS_REC_PRIVATE = 0x4000 | 0x40000
_libc = ctypes.CDLL(None)  # loaded here, as little as possible may happen between fork and exec


def limited(directory: Path, size: int) -> Callable[[], None]:
    """What a child calls to have no more than `size` bytes in `directory`.

    The file system ends with the child and all it has started. Where the kernel allows neither
    mounts nor user namespaces, the directory stays as it is, without a limit.
    """
    path, options = os.fsencode(directory), f"size={size},mode=0700".encode()
    user, group = os.getuid(), os.getgid()

    def mount() -> None:
        if _libc.unshare(CLONE_NEWNS) != 0:  # not root: as root of a user namespace, then
            if _libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
                return
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        if _libc.mount(None, b"/", None, MS_REC_PRIVATE, None) == 0:
            _libc.mount(b"tmpfs", path, b"tmpfs", MS_NOSUID_NODEV, options)

    return mount
