"""The part of a zip that a function's requirements fill, and how the steps of write_zip.py run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PexLayout
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import (
    CompletePlatforms,
    Pex,
    PexRequest,
    VenvPex,
    VenvPexProcess,
)
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.pex_requirements import PexRequirements, Resolve
from pants.backend.python.util_rules.pex_venv import PexVenv, PexVenvLayout, PexVenvRequest
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests, Snapshot
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, collect_rules, rule

from aws_lambda_function.lambda_platform import INTERPRETER_CONSTRAINT, complete_platform

HERE = Path(__file__).parent
SCRIPTS = ("write_zip.py", "contents.py", "botocore_data.py")


@dataclass(frozen=True)
class WriteZip:
    """A step of write_zip.py, with its request as JSON, its input and its output files."""

    step: str
    request: str
    input_digest: Digest
    output_files: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class RequirementsZipRequest:
    """Which function's requirements, for which architecture, with which services of botocore."""

    address: Address
    architecture: str
    services: Optional[tuple[str, ...]]


@dataclass(frozen=True)
class RequirementsZip:
    digest: Digest


@rule
async def run_step(step: WriteZip, python_setup: PythonSetup) -> Process:
    venv = await Get(
        VenvPex,
        PexRequest(
            output_filename="write_zip.pex",
            internal_only=True,
            requirements=PexRequirements(
                ["deflate"],
                from_superset=Resolve(python_setup.default_resolve, use_entire_lockfile=False),
            ),
            interpreter_constraints=InterpreterConstraints([INTERPRETER_CONSTRAINT]),
        ),
    )
    files = [
        FileContent("request.json", step.request.encode()),
        *(FileContent(f"{HERE.name}/{script}", (HERE / script).read_bytes()) for script in SCRIPTS),
    ]
    scripts = await Get(Digest, CreateDigest(files))
    module = f"{HERE.name}.write_zip"
    return await Get(
        Process,
        VenvPexProcess(
            venv,
            argv=("-m", module, step.step, "request.json"),
            input_digest=await Get(Digest, MergeDigests([step.input_digest, scripts])),
            output_files=step.output_files,
            description=step.description,
        ),
    )


@rule
async def zip_requirements(request: RequirementsZipRequest) -> RequirementsZip:
    platform = CompletePlatforms.from_snapshot(
        await Get(
            Snapshot,
            CreateDigest(
                [FileContent("lambda_platform.json", complete_platform(request.architecture))]
            ),
        )
    )
    pex = await Get(
        Pex,
        PexFromTargetsRequest(
            [request.address],
            internal_only=False,
            include_source_files=False,
            output_filename="requirements.pex",
            complete_platforms=platform,
            layout=PexLayout.PACKED,
            # Only wheels: what this machine builds is neither Lambda's nor another machine's.
            additional_args=["--no-build"],
        ),
    )
    installed = await Get(
        PexVenv,
        PexVenvRequest(
            pex=pex,
            layout=PexVenvLayout.FLAT,
            complete_platforms=platform,
            output_path=Path("requirements"),
            description="Install requirements",
        ),
    )
    zipped = await Get(
        ProcessResult,
        WriteZip(
            "requirements",
            json.dumps({"services": request.services}),
            installed.digest,
            ("requirements.zip", "requirements.json"),
            "Zip requirements",
        ),
    )
    return RequirementsZip(zipped.output_digest)


def rules() -> Any:
    return collect_rules()
