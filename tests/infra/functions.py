"""Functions as `./pants package ::` would write them, small ones, to make infrastructure of."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

SCHEMA = json.loads(Path("pants-plugins/aws_lambda_function/manifest.schema.json").read_text())
STREAM: Mapping[str, Any] = {
    "type": "stream",
    "stream": "errors",
    "batch_size": 500,
    "batching_window": 1,
    "parallelization_factor": 2,
    "maximum_retry_attempts": 20,
    "maximum_record_age": 3600,
    "bisect_on_error": True,
    "tumbling_window": 0,
    "filters": ['{"data": {"service": ["shop"]}}', '{"data": {"service": ["till"]}}'],
    "on_failure_queue": "failed-batches",
    "starting_position": "TRIM_HORIZON",
    "starting_position_timestamp": None,
}


def write_function(
    dist: Path,
    name: str,
    *,
    writes_to: tuple[str, ...] = (),
    reads_from: tuple[str, ...] = (),
    database: str | None = None,
    **fields: Any,
) -> None:
    """Writes a function's zip and its manifest, which holds the given fields."""
    archive = dist / f"{name}.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", f"# {name}")
    content = archive.read_bytes()
    manifest = {
        "name": name,
        "handler": f"{name}.handler.{name.partition('.')[2]}",
        "runtime": "python3.13",
        "architecture": "x86_64",
        "zip": {
            "file": archive.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "unpacked_size": len(content),
        },
        "memory": 512,
        "timeout": 30,
        "reserved_concurrency": None,
        "on_failure": None,
        "trigger": None,
        "permissions": {
            "writes_to": list(writes_to),
            "reads_from": list(reads_from),
            "database": database,
        },
        "environments": None,
        **fields,
    }
    jsonschema.validate(manifest, SCHEMA)
    (dist / f"{name}.json").write_text(json.dumps(manifest))


def write_functions(dist: Path) -> None:
    """Writes functions that together use every field of the manifest but one.

    The emulator keeps no timestamp to start at: test_plan.py shows that.
    """
    dist.mkdir()
    http = {"type": "http", "routes": ["POST /errors", "POST /api/{project}/store/"]}
    write_function(dist, "producers.error_event", trigger=http, writes_to=("errors",))
    write_function(dist, "consumers.error_sink", trigger=STREAM, database="write")
    write_function(
        dist,
        "consumers.retention",
        trigger={"type": "schedule", "expression": "rate(1 day)"},
        database="retention",
        reserved_concurrency=1,
        on_failure="consumers.dead_letter",
    )
    write_function(dist, "consumers.dead_letter", architecture="arm64")
    write_function(dist, "consumers.redrive", database="redrive", reads_from=("errors",))
    write_function(dist, "consumers.migrate", database="owner")
    write_function(
        dist, "consumers.clear_table", database="clear", environments=["local", "qa", "sandbox"]
    )
