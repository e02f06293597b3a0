"""Terraform, run on a copy of infra/, with its state in a file."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The backend of the copy: infra/ itself keeps its state in S3.
OVERRIDE = 'terraform {\n  backend "local" {}\n}\n'


@dataclass(frozen=True)
class Change:
    """What a plan does to a resource: how, and to which of its attributes."""

    address: str
    type: str
    actions: tuple[str, ...]
    attributes: frozenset[str]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Terraform:
    """One copy of infra/, and the process environment to run in."""

    directory: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> str:
        """Runs terraform; returns what it prints. Raises AssertionError when it fails."""
        result = subprocess.run(
            ["terraform", *arguments],
            cwd=self.directory,
            env={**self.environment, "TF_IN_AUTOMATION": "true", "TF_INPUT": "false"},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def apply(self, variables: str, *options: str) -> None:
        """Applies one environment's variable file; `options` may say -destroy."""
        self.run("apply", "-auto-approve", "-parallelism=30", *_variables(variables), *options)

    def plan(self, variables: str, *options: str) -> list[Change]:
        """What a plan would change."""
        self.run("plan", "-out=planned", "-parallelism=30", *_variables(variables), *options)
        plan = json.loads(self.run("show", "-json", "planned"))
        return [
            _change(change)
            for change in plan["resource_changes"]
            if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
        ]


def _variables(name: str) -> list[str]:
    return [f"-var-file=environments/{name}.tfvars"]


def _change(planned: Mapping[str, Any]) -> Change:
    change = planned["change"]
    before, after = change["before"] or {}, change["after"] or {}
    # What is known only after the apply is in neither.
    names = {*before, *after, *(change["after_unknown"] or {})}
    changed = frozenset(name for name in names if before.get(name) != after.get(name))
    return Change(planned["address"], planned["type"], tuple(change["actions"]), changed, after)
