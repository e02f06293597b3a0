"""`package` for `python_aws_lambda_function`: a zip and its manifest, in three stages.

1. Resolve and install: Pex takes from the lock the wheels for Lambda's platform and lays them out
   flat in a directory, as Lambda wants them.
2. Compress: of these, what runs is compiled and put into a zip. Functions with the same
   requirements share the result, and it stays when only their own modules change.
3. Write: the function's modules are added, and the manifest is written.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any, Optional

from pants.backend.python.target_types import PythonRequirementsField
from pants.backend.python.util_rules.faas import (
    ResolvedPythonFaaSHandler,
    ResolvePythonFaaSHandlerRequest,
)
from pants.backend.python.util_rules.python_sources import (
    PythonSourceFilesRequest,
    StrippedPythonSourceFiles,
)
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.core.target_types import FileSourceField
from pants.engine.fs import (
    EMPTY_DIGEST,
    AddPrefix,
    Digest,
    DigestContents,
    DigestSubset,
    MergeDigests,
    PathGlobs,
)
from pants.engine.process import ProcessResult
from pants.engine.rules import Get, collect_rules, rule
from pants.engine.target import (
    InvalidTargetException,
    TransitiveTargets,
    TransitiveTargetsRequest,
)
from pants.engine.unions import UnionRule
from pants.option.option_types import StrOption
from pants.option.subsystem import Subsystem

from aws_lambda_function.event_source_mapping_fields import (
    BatchingWindowField,
    BatchSizeField,
    BisectOnErrorField,
    FiltersField,
    MaximumRecordAgeField,
    MaximumRetryAttemptsField,
    OnFailureQueueField,
    ParallelizationFactorField,
    StartingPositionField,
    StartingPositionTimestampField,
    StreamField,
    TumblingWindowField,
)
from aws_lambda_function.lambda_platform import RUNTIME
from aws_lambda_function.requirements_zip import RequirementsZip, RequirementsZipRequest, WriteZip
from aws_lambda_function.target_types import (
    ArchitectureField,
    AWSServicesField,
    DatabaseField,
    EnvironmentsField,
    HandlerField,
    HTTPField,
    MemoryField,
    OnFailureField,
    ReadsFromField,
    ReservedConcurrencyField,
    ScheduleField,
    TimeoutField,
    WritesToField,
    ZipSizeLimitField,
)

logger = logging.getLogger(__name__)

MAXIMUM_UNPACKED_SIZE = 250 * 1024 * 1024  # "Lambda quotas"


class ZipTooLarge(Exception):
    """A function's zip, or what it unpacks to, is larger than its target or AWS allows."""


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
    reads_from: ReadsFromField
    database: DatabaseField
    environments: EnvironmentsField
    aws_services: AWSServicesField
    zip_size_limit: ZipSizeLimitField

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
        return BuiltPackage(digest=EMPTY_DIGEST, artifacts=())

    architecture = field_set.architecture.value or subsystem.architecture
    handler = await Get(
        ResolvedPythonFaaSHandler, ResolvePythonFaaSHandlerRequest(field_set.handler)
    )
    name = handler.module.rpartition(".")[0]
    if name.count(".") != 1:
        raise InvalidTargetException(
            f"{field_set.address} is the function {name!r}, but must be in a folder "
            "<type>/<name> below a source root, such as src/python/producers/error_event."
        )

    targets = await Get(TransitiveTargets, TransitiveTargetsRequest([field_set.address]))
    if files := [t.address.spec for t in targets.dependencies if t.has_field(FileSourceField)]:
        logger.warning(
            f"{field_set.address} depends on {', '.join(sorted(files))}, but `files` are not put "
            "into a zip: make them `resources`."
        )
    sources = await Get(StrippedPythonSourceFiles, PythonSourceFilesRequest(targets.closure))
    function = await Get(
        Digest, AddPrefix(sources.stripped_source_files.snapshot.digest, "function")
    )
    services, reason = field_set.aws_services.value, ""
    if services is None:
        found = await Get(
            ProcessResult,
            WriteZip("services", "{}", function, ("services.json",), f"Find services of {name}"),
        )
        found_contents = await Get(DigestContents, Digest, found.output_digest)
        services, reason = json.loads(found_contents[0].content).values()
    has_requirements = any(target.has_field(PythonRequirementsField) for target in targets.closure)
    requirements = EMPTY_DIGEST
    if has_requirements:
        requirements = (
            await Get(
                RequirementsZip,
                RequirementsZipRequest(
                    field_set.address, architecture, None if services is None else tuple(services)
                ),
            )
        ).digest
    request = {
        "zip": f"{name}.zip",
        "manifest": f"{name}.json",
        "report": "report.txt",
        "services": services,
        "reason": reason,
        "description": {
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
                "reads_from": field_set.reads_from.value or (),
                "database": field_set.database.value,
            },
            "environments": environments,
        },
    }
    artifacts = [f"{name}.zip", f"{name}.json"]
    written = await Get(
        ProcessResult,
        WriteZip(
            "function",
            json.dumps(request),
            await Get(Digest, MergeDigests([function, requirements])),
            (*artifacts, "report.txt"),
            f"Write {name}.zip",
        ),
    )
    contents = {
        file.path: file.content for file in await Get(DigestContents, Digest, written.output_digest)
    }
    report = [f"    {line}" for line in contents["report.txt"].decode().splitlines()]
    sizes = json.loads(contents[f"{name}.json"])["zip"]
    check_sizes(field_set, sizes["size"], sizes["unpacked_size"], report)
    return BuiltPackage(
        digest=await Get(Digest, DigestSubset(written.output_digest, PathGlobs(artifacts))),
        artifacts=(
            BuiltPackageArtifact(f"{name}.zip", extra_log_lines=tuple(report)),
            BuiltPackageArtifact(f"{name}.json"),
        ),
    )


def check_sizes(
    field_set: PythonAWSLambdaFunctionFieldSet, size: int, unpacked_size: int, report: list[str]
) -> None:
    limit = field_set.zip_size_limit.value or 0
    if size > limit:
        problem = f"has {size:,} bytes, but its `zip_size_limit` is {limit:,}"
    elif unpacked_size > MAXIMUM_UNPACKED_SIZE:
        problem = f"unpacks to {unpacked_size:,} bytes, but AWS takes {MAXIMUM_UNPACKED_SIZE:,}"
    else:
        return
    raise ZipTooLarge("\n".join([f"The zip of {field_set.address} {problem}.", *report]))


def rules() -> Any:
    return (*collect_rules(), UnionRule(PackageFieldSet, PythonAWSLambdaFunctionFieldSet))
