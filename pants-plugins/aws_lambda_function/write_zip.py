"""Runs under the function's own Python: turns modules into a zip and a manifest, in three steps.

    python -m aws_lambda_function.write_zip STEP REQUEST.json

services      finds the AWS services that the function's modules name
requirements  makes the part of the zip that the installed requirements fill
function      adds the function's own files, and writes the manifest

A step of its own for the requirements lets what is large be made once, for all functions that have
the same, and stay when only the function changes.

The zip has the same bytes for the same modules on every machine: entries are in the order of paths,
requirements first, and carry no time, owner or path of the build; what compresses is of the lock,
not of the Python at hand. Bytecode is compiled in with unchecked hashes: Lambda's /var/task is
read-only and its files' times are not the build's, so that no other kind of `.pyc` would be used.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from deflate import deflate_compress

from aws_lambda_function import botocore_data, contents

FUNCTION, REQUIREMENTS = Path("function"), Path("requirements")
REQUIREMENTS_ZIP, REQUIREMENTS_REPORT = Path("requirements.zip"), Path("requirements.json")
SERVICES = Path("services.json")
COMPRESSION_LEVEL = 12  # libdeflate's best


def services(request: dict[str, Any]) -> None:
    """Writes the `services` to keep in botocore, null for all, and the `reason` for these."""
    sources = sorted(FUNCTION.rglob("*.py"))
    named = ((PurePosixPath(path.relative_to(FUNCTION)), path.read_bytes()) for path in sources)
    kept, reason = None, ""
    try:
        kept = sorted(botocore_data.services_called(named))
    except botocore_data.UnknownServices as unknown:
        reason = str(unknown)
    SERVICES.write_text(json.dumps({"services": kept, "reason": reason}))


def requirements(request: dict[str, Any]) -> None:
    """Writes the zip of the requirements, botocore cut to `services`, and a report of it."""
    kept = None if request["services"] is None else set(request["services"])
    report = _add(REQUIREMENTS_ZIP, contents.requirements_files(REQUIREMENTS, kept))
    report["botocore"] = (REQUIREMENTS / botocore_data.DATA).exists()
    REQUIREMENTS_REPORT.write_text(json.dumps(report))


def function(request: dict[str, Any]) -> None:
    """Writes the files `zip`, `manifest` and `report`.

    `description` is the manifest but for the zip's digest and sizes. The report is for whoever runs
    the build; `services` and `reason` are what botocore keeps, and why.
    """
    zip_file = Path(request["zip"])
    parts = [json.loads(REQUIREMENTS_REPORT.read_text())] if REQUIREMENTS_ZIP.exists() else []
    if parts:
        shutil.copyfile(REQUIREMENTS_ZIP, zip_file)
    parts.append(_add(zip_file, contents.function_files(FUNCTION)))
    content = zip_file.read_bytes()
    description = request["description"]
    description["zip"] = {
        "file": zip_file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "unpacked_size": sum(part["unpacked_size"] for part in parts),
    }
    Path(request["manifest"]).write_text(json.dumps(description, indent=2) + "\n")
    packages = Counter({name: size for part in parts for name, size in part["packages"].items()})
    largest = ", ".join(f"{name} {size:,}" for name, size in packages.most_common(3))
    lines = [
        f"{len(content):,} bytes, {description['zip']['unpacked_size']:,} unpacked,"
        f" {description['architecture']}",
        f"largest: {largest}",
    ]
    if parts[0].get("botocore"):
        lines.append(_kept(request["services"], request["reason"]))
    Path(request["report"]).write_text("\n".join(lines))


def _kept(services: list[str] | None, reason: str) -> str:
    if services is None:
        return f"botocore: every service, because {reason}; name them in `aws_services`"
    return f"botocore: {', '.join(sorted(services))}"


def _add(zip_file: Path, files: Iterable[contents.File]) -> dict[str, Any]:
    """Adds files; returns the bytes that they unpack to, and those that each package adds."""
    unpacked_size = 0
    packages: Counter[str] = Counter()
    # zipfile has no place to name a compressor in.
    zipfile._get_compressor = lambda *_: _Compressor()  # type: ignore[attr-defined]
    with zipfile.ZipFile(zip_file, "a") as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.path.as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whatever the build runs on.
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.content)
            unpacked_size += len(file.content)
            packages[file.package] += entry.compress_size
    return {"unpacked_size": unpacked_size, "packages": packages}


class _Compressor:
    """libdeflate as zipfile uses zlib: smaller, and the same bytes on all machines."""

    def __init__(self) -> None:
        self._content = b""

    def compress(self, data: bytes) -> bytes:
        self._content += data
        return b""

    def flush(self) -> bytes:
        return bytes(deflate_compress(self._content, COMPRESSION_LEVEL))


STEPS = {"services": services, "requirements": requirements, "function": function}


if __name__ == "__main__":
    STEPS[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text()))
