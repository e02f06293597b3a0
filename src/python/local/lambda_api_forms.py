"""The requests of Lambda's API that make and change functions, versions and aliases.

Source: the operations' request syntax and limits in the Lambda API reference. What is not named
here has no effect in the local cloud.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from local.function_configuration import Architecture, LogFormat

type Timeout = Annotated[int, Meta(ge=1, le=900)]  # seconds
type MemorySize = Annotated[int, Meta(ge=128, le=10240)]  # MB
type Description = Annotated[str, Meta(max_length=256)]
type Architectures = Annotated[tuple[Architecture, ...], Meta(min_length=1, max_length=1)]
type AliasName = Annotated[
    str, Meta(pattern=r"^(?![0-9]+$)[a-zA-Z0-9-_]+$", min_length=1, max_length=128)
]
type Weight = Annotated[float, Meta(ge=0, le=1)]


class Form(msgspec.Struct, frozen=True, rename="pascal"):
    def given(self, *names: str) -> dict[str, Any]:
        """Of the fields with these names, those that the request sets."""
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not UNSET}


class Code(Form, frozen=True):
    zip_file: bytes | None = None


class Environment(Form, frozen=True):
    variables: dict[str, str] = {}


class LoggingConfig(Form, frozen=True):
    log_format: LogFormat = "Text"


class CreateFunction(Form, frozen=True):
    function_name: str
    runtime: str
    role: str
    handler: str
    code: Code
    description: Description = ""
    timeout: Timeout = 3
    memory_size: MemorySize = 128
    publish: bool = False
    environment: Environment = Environment()
    architectures: Architectures = ("x86_64",)
    logging_config: LoggingConfig = LoggingConfig()


class UpdateFunctionCode(Form, frozen=True):
    zip_file: bytes | None = None
    architectures: Architectures | None = None
    publish: bool = False
    dry_run: bool = False
    revision_id: str | None = None


class UpdateFunctionConfiguration(Form, frozen=True):
    role: str | UnsetType = UNSET
    handler: str | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    timeout: Timeout | UnsetType = UNSET
    memory: MemorySize | UnsetType = field(default=UNSET, name="MemorySize")
    environment: Environment | UnsetType = UNSET
    runtime: str | UnsetType = UNSET
    logging_config: LoggingConfig | UnsetType = UNSET
    revision_id: str | None = None

    def changes(self) -> dict[str, Any]:
        """What the request sets, by the names of FunctionConfiguration."""
        changes = self.given("role", "handler", "description", "timeout", "memory", "runtime")
        if self.environment is not UNSET:
            changes["variables"] = self.environment.variables
        if self.logging_config is not UNSET:
            changes["log_format"] = self.logging_config.log_format
        return changes


class Concurrency(Form, frozen=True):
    reserved_concurrent_executions: Annotated[int, Meta(ge=0)]


class PublishVersion(Form, frozen=True):
    code_sha256: str | None = field(default=None, name="CodeSha256")
    description: Description | None = None
    revision_id: str | None = None


class RoutingConfig(Form, frozen=True):
    additional_version_weights: dict[str, Weight] = {}


class CreateAlias(Form, frozen=True):
    name: AliasName
    function_version: str
    description: Description = ""
    routing_config: RoutingConfig = RoutingConfig()


class UpdateAlias(Form, frozen=True):
    version: str | UnsetType = field(default=UNSET, name="FunctionVersion")
    description: Description | UnsetType = UNSET
    routing_config: RoutingConfig | UnsetType = UNSET
    revision_id: str | None = None

    def changes(self) -> dict[str, Any]:
        """What the request sets, by the names of Alias."""
        changes = self.given("version", "description")
        if self.routing_config is not UNSET:
            changes["weights"] = self.routing_config.additional_version_weights
        return changes
