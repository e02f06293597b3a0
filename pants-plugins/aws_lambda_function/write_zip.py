"""Runs under the function's own Python: turns a directory of modules into a zip and a manifest.

    python -m aws_lambda_function.write_zip REQUEST.json

The zip has the same bytes for the same modules on every machine: entries are sorted and carry no
time, owner or path of the build. Bytecode is compiled in with unchecked hashes: Lambda's /var/task
is read-only and its files' times are not the build's, so that no other kind of `.pyc` would be
used there.

REQUEST holds `directory`, the names `zip`, `manifest` and `report` of what to write, `services`
(the AWS services to keep in botocore, null for those that the code names) and `description`: the
manifest but for the zip's digest and sizes. The report is for whoever ran the build.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections import Counter
from pathlib import Path

from aws_lambda_function import botocore_data, contents


def write_zip(
    directory: Path, services: set[str] | None, zip_file: Path
) -> tuple[int, Counter[str]]:
    """Writes the zip; returns the bytes it unpacks to, and those that each package adds to it."""
    unpacked_size = 0
    packages: Counter[str] = Counter()
    with zipfile.ZipFile(zip_file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in contents.files(directory, services):
            entry = zipfile.ZipInfo(file.path.as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whatever the build runs on.
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.content)
            unpacked_size += len(file.content)
            packages[file.package] += entry.compress_size
    return unpacked_size, packages


def services_kept(directory: Path, named: list[str] | None) -> tuple[set[str] | None, str]:
    """The services to keep in botocore, None for all, and a line about it for the report."""
    if not (directory / botocore_data.DATA).exists():
        return None, ""
    if named is not None:
        return set(named), f"botocore: {', '.join(sorted(named))}"
    try:
        found = botocore_data.services_called(contents.first_party_sources(directory))
    except botocore_data.UnknownServices as reason:
        return None, f"botocore: every service, because {reason}; name them in `aws_services`"
    return found, f"botocore: {', '.join(sorted(found))}"


def main(request_file: str) -> None:
    request = json.loads(Path(request_file).read_text())
    directory, zip_file = Path(request["directory"]), Path(request["zip"])
    services, kept = services_kept(directory, request["services"])
    unpacked_size, packages = write_zip(directory, services, zip_file)
    content = zip_file.read_bytes()
    description = request["description"]
    description["zip"] = {
        "file": zip_file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "unpacked_size": unpacked_size,
    }
    Path(request["manifest"]).write_text(json.dumps(description, indent=2) + "\n")
    largest = ", ".join(
        f"{package or 'the function'} {size:,}" for package, size in packages.most_common(3)
    )
    lines = [
        f"{len(content):,} bytes, {unpacked_size:,} unpacked, {description['architecture']}",
        f"largest: {largest}",
        *filter(None, [kept]),
    ]
    Path(request["report"]).write_text("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1])
