"""What goes into a zip: the function's own files, and of its requirements what runs."""

from __future__ import annotations

import csv
import py_compile
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aws_lambda_function import botocore_data

# Packages that hold types for a checker and nothing that runs.
STUBS_ONLY = "Classifier: Typing :: Stubs Only"
# What importlib.metadata reads at run time. The rest are records of the installation.
METADATA_FILES = {"METADATA", "entry_points.txt"}
NOT_RUN = {"__pycache__", "tests", "examples"}
# dateutil's copy of the time zones, for systems that have none; Lambda's has them.
TIME_ZONES = PurePosixPath("dateutil/zoneinfo/dateutil-zoneinfo.tar.gz")


@dataclass(frozen=True)
class File:
    """A file of the zip, and the requirement that it is from, or "the function"."""

    path: PurePosixPath
    package: str
    content: bytes


def requirements_files(directory: Path, services: set[str] | None) -> Iterator[File]:
    """Yields what of installed requirements goes into the zip, in the order of paths.

    `services` are the AWS services whose descriptions botocore needs; None for all.
    """
    owners = _owners(directory)
    for source, path in _walk(directory):
        package = owners.get(path, "requirements")
        if package is None or not _is_run(path):
            continue
        if services is not None and not botocore_data.is_needed(path, services):
            continue
        content = source.read_bytes()
        if path.name == "METADATA" and path.parent.suffix == ".dist-info":
            content = content.partition(b"\n\n")[0] + b"\n"
        if path == botocore_data.ENDPOINTS and services is not None:
            content = botocore_data.cut_endpoints(content, services)
            yield File(botocore_data.HINT_FILE, package, b"")
        yield from _with_bytecode(source, File(path, package, content))


def function_files(directory: Path) -> Iterator[File]:
    """Yields the function's own files, in the order of paths."""
    for source, path in _walk(directory):
        if "__pycache__" not in path.parts:
            yield from _with_bytecode(source, File(path, "the function", source.read_bytes()))


def _walk(directory: Path) -> Iterator[tuple[Path, PurePosixPath]]:
    for source in sorted(path for path in directory.rglob("*") if path.is_file()):
        yield source, PurePosixPath(source.relative_to(directory).as_posix())


def _with_bytecode(source: Path, file: File) -> Iterator[File]:
    yield file
    if file.path.suffix == ".py" and (bytecode := _bytecode(source, file.path)) is not None:
        name = f"{file.path.stem}.{sys.implementation.cache_tag}.pyc"
        yield File(file.path.parent / "__pycache__" / name, file.package, bytecode)


def _owners(directory: Path) -> dict[PurePosixPath, str | None]:
    """The requirement that each installed file is from; None for packages of stubs."""
    owners: dict[PurePosixPath, str | None] = {}
    for metadata in directory.glob("*.dist-info/METADATA"):
        stubs = STUBS_ONLY in metadata.read_text(encoding="utf-8")
        package = None if stubs else metadata.parent.name.partition("-")[0]
        for row in csv.reader(metadata.with_name("RECORD").read_text("utf-8").splitlines()):
            owners[PurePosixPath(row[0])] = package
        for file in metadata.parent.rglob("*"):
            owners[PurePosixPath(file.relative_to(directory).as_posix())] = package
    return owners


def _is_run(path: PurePosixPath) -> bool:
    if path.parts[0].endswith(".dist-info"):
        return path.name in METADATA_FILES and len(path.parts) == 2
    if path.parts[0] == "bin" or path.suffix == ".pyi" or path.name == "py.typed":
        return False
    if path == TIME_ZONES:
        return False
    return NOT_RUN.isdisjoint(path.parts)


def _bytecode(source: Path, path: PurePosixPath) -> bytes | None:
    """A module's bytecode, which is used whatever the times of files; None if it doesn't compile.

    A package may ship modules for other Pythons, which nothing imports on this one.
    """
    target = source.with_suffix(".unchecked.pyc")
    try:
        py_compile.compile(
            str(source),
            cfile=str(target),
            dfile=path.as_posix(),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except py_compile.PyCompileError:
        return None
    return target.read_bytes()
