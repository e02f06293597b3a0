"""What a version of a function is made of, whether `dist/` or Lambda's API says so.

Source: "FunctionConfiguration" and "AliasConfiguration" in the Lambda API reference.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

LATEST = "$LATEST"

type Architecture = Literal["x86_64", "arm64"]
type LogFormat = Literal["JSON", "Text"]


class FunctionConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # as deployed
    handler: str
    runtime: str
    architecture: Architecture
    sha256: str  # of the zip, hexadecimal
    code_size: int  # bytes of the zip
    memory: int  # MB
    timeout: int  # seconds
    variables: Mapping[str, str]
    log_format: LogFormat = "JSON"
    role: str
    description: str = ""
    version: str = LATEST
    last_modified: str = msgspec.field(default_factory=lambda: _now())
    revision_id: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """A name for a published version; `weights` are shares, 0 to 1, of other versions."""

    name: str
    version: str
    weights: Mapping[str, float]
    description: str = ""
    revision_id: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def versions(self) -> set[str]:
        """All that it points at."""
        return {self.version, *self.weights}


def changed(configuration: FunctionConfiguration, **changes: object) -> FunctionConfiguration:
    """The configuration with these changes, as a new revision."""
    revision = {"last_modified": _now(), "revision_id": str(uuid.uuid4())}
    return msgspec.structs.replace(configuration, **revision, **changes)


def same_but_version(one: FunctionConfiguration, other: FunctionConfiguration) -> bool:
    """Whether publishing `one` would give a version like `other` but for its number."""
    names = ("version", "last_modified", "revision_id", "description")
    return msgspec.structs.replace(one, **{name: getattr(other, name) for name in names}) == other


def routed_version(alias: Alias, chance: float) -> str:
    """The version that an invocation of the alias goes to; `chance` is random, 0 to 1."""
    for version, weight in alias.weights.items():
        if chance < weight:
            return version
        chance -= weight
    return alias.version


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000+0000}"
