"""What Lambda's Python 3.13 runtime can install, so that wheels resolve for it from any machine.

Source: the AWS documentation's page "Lambda runtimes": Amazon Linux 2023, whose glibc is 2.34.
"""

from __future__ import annotations

import json

from packaging.tags import compatible_tags, cpython_tags

RUNTIME = "python3.13"
INTERPRETER_CONSTRAINT = "CPython==3.13.*"
PYTHON = (3, 13)
GLIBC = (2, 34)
OLDEST_GLIBC = {"x86_64": (2, 5), "aarch64": (2, 17)}
LEGACY_ALIASES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


def complete_platform(architecture: str) -> bytes:
    """The JSON that Pex takes for `--complete-platform`, for "x86_64" or "arm64"."""
    machine = MACHINES[architecture]
    platforms = []
    for minor in range(GLIBC[1], OLDEST_GLIBC[machine][1] - 1, -1):
        platforms.append(f"manylinux_{GLIBC[0]}_{minor}_{machine}")
        if (GLIBC[0], minor) in LEGACY_ALIASES:
            platforms.append(f"{LEGACY_ALIASES[GLIBC[0], minor]}_{machine}")
    platforms.append(f"linux_{machine}")
    return json.dumps(
        {
            "compatible_tags": [
                *map(str, cpython_tags(PYTHON, abis=["cp313"], platforms=platforms)),
                *map(str, compatible_tags(PYTHON, interpreter="cp313", platforms=platforms)),
            ],
            "marker_environment": {
                "implementation_name": "cpython",
                "implementation_version": "3.13.0",
                "os_name": "posix",
                "platform_machine": machine,
                "platform_python_implementation": "CPython",
                "platform_release": "",
                "platform_system": "Linux",
                "platform_version": "",
                "python_full_version": "3.13.0",
                "python_version": "3.13",
                "sys_platform": "linux",
            },
        }
    ).encode()
