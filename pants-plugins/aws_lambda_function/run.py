"""`run` for `run_with_aws_lambda_functions`: a program that gets every function, just packaged."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from pants.backend.python.goals.run_python_source import PythonSourceFieldSet
from pants.core.goals.package import BuiltPackage, PackageFieldSet
from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.engine.addresses import Addresses, UnparsedAddressInputs
from pants.engine.environment import EnvironmentName
from pants.engine.fs import AddPrefix, Digest, MergeDigests
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AllTargets,
    AsyncFieldMixin,
    StringField,
    Target,
    WrappedTarget,
    WrappedTargetRequest,
)
from pants.util.strutil import help_text

from aws_lambda_function.package import PythonAWSLambdaFunctionFieldSet


class ProgramField(StringField, AsyncFieldMixin):
    alias = "program"
    required = True
    value: str
    help = "The address of the Python file to run, such as 'src/python/local/serve.py'."


class RunWithAWSLambdaFunctions(Target):
    alias = "run_with_aws_lambda_functions"
    core_fields = (*COMMON_TARGET_FIELDS, ProgramField)
    help = help_text(
        """
        A Python program that works on all functions of the repository.

        `run` packages every `python_aws_lambda_function` and starts the program in the
        repository's root, with `--packaged DIRECTORY` before the arguments of the command line.
        """
    )


@dataclass(frozen=True)
class RunWithAWSLambdaFunctionsFieldSet(RunFieldSet):
    required_fields = (ProgramField,)
    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED

    program: ProgramField


@rule(desc="Package every AWS Lambda function to run with")
async def run_with_aws_lambda_functions(
    field_set: RunWithAWSLambdaFunctionsFieldSet,
    all_targets: AllTargets,
    environment: EnvironmentName,
) -> RunRequest:
    program_address = (
        await Get(
            Addresses,
            UnparsedAddressInputs(
                [field_set.program.value],
                owning_address=field_set.address,
                description_of_origin=f"the `program` field of {field_set.address}",
            ),
        )
    )[0]
    program = await Get(
        WrappedTarget,
        WrappedTargetRequest(program_address, description_of_origin=str(field_set.address)),
    )
    run_request, *packages = await MultiGet(
        Get(
            RunRequest,
            {
                PythonSourceFieldSet.create(program.target): RunFieldSet,
                environment: EnvironmentName,
            },
        ),
        *(
            Get(
                BuiltPackage,
                {
                    PythonAWSLambdaFunctionFieldSet.create(target): PackageFieldSet,
                    environment: EnvironmentName,
                },
            )
            for target in all_targets
            if PythonAWSLambdaFunctionFieldSet.is_applicable(target)
        ),
    )
    packaged = await Get(Digest, MergeDigests(package.digest for package in packages))
    functions = await Get(Digest, AddPrefix(packaged, "functions"))
    return dataclasses.replace(
        run_request,
        digest=await Get(Digest, MergeDigests([run_request.digest, functions])),
        args=(*run_request.args, "--packaged", "{chroot}/functions"),
    )


def rules() -> Any:
    return (*collect_rules(), *RunWithAWSLambdaFunctionsFieldSet.rules())
