"""The Pants backend `current_ruff`: Ruff as formatter, fixer and linter.

Pants 2.17's own backend calls Ruff as it was before it had subcommands, so it cannot drive a
current one. This one keeps that backend's options (`[ruff]`) and how it finds Ruff's configuration.
"""

from __future__ import annotations

from typing import Any

from pants.backend.python.lint.ruff.subsystem import Ruff, RuffFieldSet
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.pex import PexRequest, VenvPex, VenvPexProcess
from pants.core.goals.fix import FixResult, FixTargetsRequest
from pants.core.goals.fmt import FmtResult, FmtTargetsRequest
from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.config_files import ConfigFiles, ConfigFilesRequest
from pants.core.util_rules.partitions import PartitionerType
from pants.core.util_rules.source_files import SourceFiles, SourceFilesRequest
from pants.engine.fs import Digest, MergeDigests
from pants.engine.internals.native_engine import Snapshot
from pants.engine.process import FallibleProcessResult, ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.util.meta import classproperty


class RuffFormatRequest(FmtTargetsRequest):
    field_set_type = RuffFieldSet
    tool_subsystem = Ruff  # type: ignore[assignment]
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION

    @classproperty
    def tool_name(cls) -> str:
        return "ruff format"


class RuffFixRequest(FixTargetsRequest):
    field_set_type = RuffFieldSet
    tool_subsystem = Ruff  # type: ignore[assignment]
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION

    @classproperty
    def tool_name(cls) -> str:
        return "ruff check --fix"


class RuffCheckRequest(LintTargetsRequest):
    field_set_type = RuffFieldSet
    tool_subsystem = Ruff  # type: ignore[assignment]
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION

    @classproperty
    def tool_name(cls) -> str:
        return "ruff check"


async def ruff(tool: Ruff, files: Snapshot, *command: str) -> VenvPexProcess:
    ruff_pex, config_files = await MultiGet(
        Get(VenvPex, PexRequest, tool.to_pex_request()),
        Get(ConfigFiles, ConfigFilesRequest, tool.config_request(files.dirs)),
    )
    input_digest = await Get(Digest, MergeDigests((files.digest, config_files.snapshot.digest)))
    return VenvPexProcess(
        ruff_pex,
        argv=(*command, "--no-cache", *tool.args, *files.files),
        input_digest=input_digest,
        output_files=files.files,
        description=f"Run ruff {' '.join(command)}",
    )


@rule(desc="Format with ruff")
async def ruff_format(request: RuffFormatRequest.Batch, tool: Ruff) -> FmtResult:
    process = await ruff(tool, request.snapshot, "format")
    result = await Get(ProcessResult, VenvPexProcess, process)
    return await FmtResult.create(request, result)


@rule(desc="Fix with ruff")
async def ruff_fix(request: RuffFixRequest.Batch, tool: Ruff) -> FixResult:
    # What has no automatic fix is for `lint` to report.
    process = await ruff(tool, request.snapshot, "check", "--fix", "--exit-zero")
    result = await Get(ProcessResult, VenvPexProcess, process)
    return await FixResult.create(request, result)


@rule(desc="Lint with ruff")
async def ruff_check(request: RuffCheckRequest.Batch[RuffFieldSet, Any], tool: Ruff) -> LintResult:
    sources = await Get(
        SourceFiles, SourceFilesRequest(field_set.source for field_set in request.elements)
    )
    process = await ruff(tool, sources.snapshot, "check")
    result = await Get(FallibleProcessResult, VenvPexProcess, process)
    return LintResult.create(request, result)


def rules() -> Any:
    return (
        *collect_rules(),
        *RuffFormatRequest.rules(),
        *RuffFixRequest.rules(),
        *RuffCheckRequest.rules(),
        *pex.rules(),  # type: ignore[no-untyped-call]
    )
