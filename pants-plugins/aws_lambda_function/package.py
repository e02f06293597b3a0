"""`package` for `python_aws_lambda_function`: a zip and its manifest, in three stages.

1. Resolve: Pex takes the function's modules and, from the lock, the wheels for Lambda's platform.
2. Install: Pex lays them out flat in a directory, as Lambda wants them.
3. Write: `write_zip.py` compiles bytecode and writes the zip and the manifest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from pants.backend.python.target_types import PexLayout
from pants.backend.python.util_rules.faas import (
    ResolvedPythonFaaSHandler,
    ResolvePythonFaaSHandlerRequest,
)
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import CompletePlatforms, Pex
from pants.backend.python.util_rules.pex_environment import PythonExecutable
from pants.backend.python.util_rules.pex_from_targets import PexFromTargetsRequest
from pants.backend.python.util_rules.pex_venv import PexVenv, PexVenvLayout, PexVenvRequest
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.engine.fs import (
    CreateDigest,
    Digest,
    DigestContents,
    FileContent,
    MergeDigests,
    Snapshot,
)
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import InvalidTargetException
from pants.engine.unions import UnionRule
from pants.option.option_types import StrOption
from pants.option.subsystem import Subsystem

from aws_lambda_function.lambda_platform import INTERPRETER_CONSTRAINT, RUNTIME, complete_platform
from aws_lambda_function.target_types import (
    ArchitectureField,
    BatchingWindowField,
    BatchSizeField,
    BisectOnErrorField,
    DatabaseField,
    EnvironmentsField,
    FiltersField,
    HandlerField,
    HTTPField,
    MaximumRecordAgeField,
    MaximumRetryAttemptsField,
    MemoryField,
    OnFailureField,
    OnFailureQueueField,
    ParallelizationFactorField,
    ReservedConcurrencyField,
    ScheduleField,
    StartingPositionField,
    StartingPositionTimestampField,
    StreamField,
    TimeoutField,
    TumblingWindowField,
    WritesToField,
)

WRITE_ZIP = Path(__file__).with_name("write_zip.py")


class AWSLambdaFunctionSubsystem(Subsystem):
    options_scope = "aws-lambda-function"
    help = "How `python_aws_lambda_function` targets are packaged."

    architecture = StrOption(
        default="x86_64", help="The architecture of functions whose target names none."
    )
    environment = StrOption(
        default=None, help="Package only functions that may exist in this environment."
    )


@dataclass(frozen=True)
class PythonAWSLambdaFunctionFieldSet(PackageFieldSet):
    required_fields = (HandlerField,)

    handler: HandlerField
    memory: MemoryField
    timeout: TimeoutField
    reserved_concurrency: ReservedConcurrencyField
    on_failure: OnFailureField
    architecture: ArchitectureField
    http: HTTPField
    schedule: ScheduleField
    stream: StreamField
    batch_size: BatchSizeField
    batching_window: BatchingWindowField
    parallelization_factor: ParallelizationFactorField
    maximum_retry_attempts: MaximumRetryAttemptsField
    maximum_record_age: MaximumRecordAgeField
    bisect_on_error: BisectOnErrorField
    tumbling_window: TumblingWindowField
    filters: FiltersField
    on_failure_queue: OnFailureQueueField
    starting_position: StartingPositionField
    starting_position_timestamp: StartingPositionTimestampField
    writes_to: WritesToField
    database: DatabaseField
    environments: EnvironmentsField

    def trigger(self) -> Optional[dict[str, Any]]:
        if self.http.value is not None:
            return {"type": "http", "routes": self.http.value}
        if self.schedule.value is not None:
            return {"type": "schedule", "expression": self.schedule.value}
        if self.stream.value is not None:
            # The defaults are those of AWS's CreateEventSourceMapping, written out for readers of
            # the manifest.
            return {
                "type": "stream",
                "stream": self.stream.value,
                "batch_size": self.batch_size.value or 100,
                "batching_window": self.batching_window.value or 0,
                "parallelization_factor": self.parallelization_factor.value or 1,
                "maximum_retry_attempts": _or_unlimited(self.maximum_retry_attempts.value),
                "maximum_record_age": _or_unlimited(self.maximum_record_age.value),
                "bisect_on_error": bool(self.bisect_on_error.value),
                "tumbling_window": self.tumbling_window.value or 0,
                "filters": self.filters.value or (),
                "on_failure_queue": self.on_failure_queue.value,
                "starting_position": self.starting_position.value or "TRIM_HORIZON",
                "starting_position_timestamp": self.starting_position_timestamp.value,
            }
        return None


def _or_unlimited(value: Optional[int]) -> int:
    return -1 if value is None else value


@rule(desc="Package an AWS Lambda function")
async def package_python_aws_lambda_function(
    field_set: PythonAWSLambdaFunctionFieldSet, subsystem: AWSLambdaFunctionSubsystem
) -> BuiltPackage:
    environments = field_set.environments.value
    if subsystem.environment and environments and subsystem.environment not in environments:
        return BuiltPackage(digest=await Get(Digest, CreateDigest([])), artifacts=())

    architecture = field_set.architecture.value or subsystem.architecture
    handler, platform_files, script = await MultiGet(
        Get(ResolvedPythonFaaSHandler, ResolvePythonFaaSHandlerRequest(field_set.handler)),
        Get(
            Snapshot,
            CreateDigest([FileContent("lambda_platform.json", complete_platform(architecture))]),
        ),
        Get(Digest, CreateDigest([FileContent("write_zip.py", WRITE_ZIP.read_bytes())])),
    )
    name = handler.module.rpartition(".")[0]
    if name.count(".") != 1:
        raise InvalidTargetException(
            f"{field_set.address} is the function {name!r}, but must be in a folder "
            "<type>/<name> below a source root, such as src/python/producers/error_event."
        )

    platform = CompletePlatforms.from_snapshot(platform_files)
    pex, python = await MultiGet(
        Get(
            Pex,
            PexFromTargetsRequest(
                [field_set.address],
                internal_only=False,
                output_filename="function.pex",
                complete_platforms=platform,
                layout=PexLayout.PACKED,
                warn_for_transitive_files_targets=True,
            ),
        ),
        Get(PythonExecutable, InterpreterConstraints([INTERPRETER_CONSTRAINT])),
    )
    installed, description = await MultiGet(
        Get(
            PexVenv,
            PexVenvRequest(
                pex=pex,
                layout=PexVenvLayout.FLAT,
                complete_platforms=platform,
                output_path=Path("function"),
                description=f"Install {name}",
            ),
        ),
        Get(
            Digest,
            CreateDigest(
                [
                    FileContent(
                        "description.json",
                        json.dumps(
                            {
                                "name": name,
                                "handler": f"{handler.module}.{handler.func}",
                                "runtime": RUNTIME,
                                "architecture": architecture,
                                "zip": None,
                                "memory": field_set.memory.value,
                                "timeout": field_set.timeout.value,
                                "reserved_concurrency": field_set.reserved_concurrency.value,
                                "on_failure": field_set.on_failure.value,
                                "trigger": field_set.trigger(),
                                "permissions": {
                                    "writes_to": field_set.writes_to.value or (),
                                    "database": field_set.database.value,
                                },
                                "environments": environments,
                            }
                        ).encode(),
                    )
                ]
            ),
        ),
    )
    zip_file, manifest = f"{name}.zip", f"{name}.json"
    # Isolated and without site-packages: nothing of this machine gets into the bytecode.
    command = [python.path, "-I", "-S", "write_zip.py", "function", "description.json"]
    result = await Get(
        ProcessResult,
        Process(
            [*command, zip_file, manifest],
            input_digest=await Get(Digest, MergeDigests([installed.digest, description, script])),
            output_files=[zip_file, manifest],
            description=f"Write {zip_file}",
        ),
    )
    contents = await Get(DigestContents, Digest, result.output_digest)
    written = json.loads(next(file.content for file in contents if file.path == manifest))["zip"]
    sizes = f"{written['size']:,} bytes, {written['unpacked_size']:,} unpacked"
    return BuiltPackage(
        digest=result.output_digest,
        artifacts=(
            BuiltPackageArtifact(zip_file, extra_log_lines=(f"    {sizes}, {architecture}",)),
            BuiltPackageArtifact(manifest),
        ),
    )


def rules() -> Any:
    return (*collect_rules(), UnionRule(PackageFieldSet, PythonAWSLambdaFunctionFieldSet))
