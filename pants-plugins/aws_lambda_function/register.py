"""The Pants backend `aws_lambda_function`: what it adds to Pants."""

from __future__ import annotations

from typing import Any

from pants.backend.python.util_rules.faas import rules as faas_rules

from aws_lambda_function import package, requirements_zip, run, tailor
from aws_lambda_function.run import RunWithAWSLambdaFunctions
from aws_lambda_function.target_types import PythonAWSLambdaFunction


def target_types() -> Any:
    return (PythonAWSLambdaFunction, RunWithAWSLambdaFunctions)


def rules() -> Any:
    return (
        *faas_rules(),  # type: ignore[no-untyped-call]
        *package.rules(),
        *requirements_zip.rules(),
        *run.rules(),
        *tailor.rules(),
    )
