"""Runs under the function's own Python: turns a directory of modules into a zip and a manifest.

    write_zip.py DIRECTORY DESCRIPTION.json NAME.zip NAME.json

The zip has the same bytes for the same modules on every machine: entries are sorted and carry no
time, owner or path of the build. Bytecode is compiled in with unchecked hashes: Lambda's /var/task
is read-only and its files' times are not the build's, so that no other kind of `.pyc` would be
used there. The manifest is DESCRIPTION with the zip's digest and sizes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import py_compile
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

# What installers leave behind: scripts and records that hold paths of the build.
INSTALLER_FILES = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


# Packages that hold types for a checker and nothing that runs.
STUBS_ONLY = "Classifier: Typing :: Stubs Only"


def stubs(directory: Path) -> set[str]:
    """The names of all files that belong to stub packages."""
    return {
        row[0]
        for metadata in directory.glob("*.dist-info/METADATA")
        if STUBS_ONLY in metadata.read_text(encoding="utf-8")
        for row in csv.reader(metadata.with_name("RECORD").read_text(encoding="utf-8").splitlines())
    }


def is_wanted(path: Path) -> bool:
    if path.parts[0] == "bin" or "__pycache__" in path.parts or path.suffix == ".pyi":
        return False
    return not (path.parent.suffix == ".dist-info" and path.name in INSTALLER_FILES)


def entries(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Yields each file's name in the zip and its content, sorted by source file."""
    unwanted = stubs(directory)
    for file in sorted(p for p in directory.rglob("*") if p.is_file()):
        path = file.relative_to(directory)
        if path.as_posix() in unwanted or not is_wanted(path):
            continue
        yield path.as_posix(), file.read_bytes()
        if path.suffix == ".py":
            bytecode = (
                path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
            )
            try:
                py_compile.compile(
                    str(file),
                    cfile=str(directory / bytecode),
                    dfile=path.as_posix(),
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
            except py_compile.PyCompileError:
                # A package may ship files for other Pythons; nothing imports them on this one.
                continue
            yield bytecode.as_posix(), (directory / bytecode).read_bytes()


def write_zip(directory: Path, zip_file: Path) -> int:
    """Writes the zip and returns the size of its content, in bytes."""
    unpacked_size = 0
    with zipfile.ZipFile(zip_file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in entries(directory):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whatever the build runs on.
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
            unpacked_size += len(content)
    return unpacked_size


def main(directory: str, description: str, zip_file: str, manifest: str) -> None:
    unpacked_size = write_zip(Path(directory), Path(zip_file))
    content = Path(zip_file).read_bytes()
    fields = json.loads(Path(description).read_text())
    fields["zip"] = {
        "file": zip_file,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "unpacked_size": unpacked_size,
    }
    Path(manifest).write_text(json.dumps(fields, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
