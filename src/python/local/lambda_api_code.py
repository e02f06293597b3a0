"""The code that a request of Lambda's API brings: taken if it is a zip that can run here.

Source: "CreateFunction" and "UpdateFunctionCode" in the Lambda API reference, "Lambda quotas".
"""

import asyncio
import io
import zipfile
from pathlib import Path

from local import function_code
from local.lambda_api_protocol import invalid
from local.manifest import MACHINE, PYTHON

MAXIMUM_UNZIPPED = 262_144_000  # bytes


async def unpacked(archive: bytes | None, state: Path) -> tuple[str, int]:
    """Unpacks a zip; returns its SHA-256, hexadecimal, and its size in bytes."""
    if archive is None:
        raise invalid("The local cloud takes code as bytes only: give a ZipFile")
    if not archive:
        raise invalid("Uploaded file must be a non-empty zip")
    try:
        sha256 = await asyncio.to_thread(_unpack, archive, state)
    except zipfile.BadZipFile:
        raise invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None
    return sha256, len(archive)


def require_runnable(runtime: str, architecture: str = MACHINE) -> None:
    """Refuses what this machine can't run."""
    if runtime != PYTHON:
        raise invalid(f"The local cloud runs on {PYTHON}: it has no runtime {runtime}")
    if architecture != MACHINE:
        raise invalid(f"This machine is {MACHINE}: it can't run code for {architecture}")


def _unpack(archive: bytes, state: Path) -> str:
    with zipfile.ZipFile(io.BytesIO(archive)) as zip_file:
        unzipped = sum(member.file_size for member in zip_file.infolist())
    if unzipped >= MAXIMUM_UNZIPPED:
        raise invalid(f"Unzipped size must be smaller than {MAXIMUM_UNZIPPED} bytes")
    return function_code.unpack(archive, state)
