"""`tailor` proposes a `python_aws_lambda_function` for each folder that has a `handler.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pants.core.goals.tailor import (
    PutativeTarget,
    PutativeTargets,
    PutativeTargetsRequest,
)
from pants.engine.fs import PathGlobs, Paths
from pants.engine.rules import Get, collect_rules, rule
from pants.engine.target import AllTargets
from pants.engine.unions import UnionRule

from aws_lambda_function.target_types import HandlerField, PythonAWSLambdaFunction


@dataclass(frozen=True)
class PutativeFunctionsRequest(PutativeTargetsRequest):
    pass


@rule(desc="Find handlers that have no target")
async def find_putative_functions(
    request: PutativeFunctionsRequest, all_targets: AllTargets
) -> PutativeTargets:
    handlers = await Get(Paths, PathGlobs, request.path_globs("handler.py"))
    has_function = {t.address.spec_path for t in all_targets if t.has_field(HandlerField)}
    return PutativeTargets(
        PutativeTarget.for_target_type(
            PythonAWSLambdaFunction,
            path=folder,
            name="function",
            triggering_sources=[],
            kwargs={"handler": f"handler.py:{PurePath(folder).name}"},
        )
        for folder in sorted({str(PurePath(file).parent) for file in handlers.files} - has_function)
    )


def rules() -> Any:
    return (*collect_rules(), UnionRule(PutativeTargetsRequest, PutativeFunctionsRequest))
