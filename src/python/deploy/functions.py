"""The functions of an environment on AWS: what the deployer asks of Lambda, and how.

Source: "UpdateFunctionCode", "PublishVersion", "UpdateAlias" and "Invoke" in the Lambda API
reference. Every change carries the RevisionId of the state it was planned for: of two deployments
at once, the second is refused.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from deploy.aws_errors import explained
from deploy.errors import DeployError
from deploy.plan import ALIAS, Deployed, Live, Push, deployed_name

if TYPE_CHECKING:
    import boto3
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import AliasConfigurationResponseTypeDef

# What a version keeps of a function's configuration, of that which infra/functions.tf sets.
CONFIGURATION = ("Environment", "LoggingConfig", "MemorySize", "Role", "Timeout", "VpcConfig")
AT_ONCE = 8  # requests; Lambda's API takes 15 a second

type Progress = Callable[[int, int], None]
"""Told how many bytes are sent, of how many."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an invocation came to: the payload, decoded, the error if any, and the log's end."""

    payload: Any
    error: str | None
    log: str


@dataclass(frozen=True, slots=True)
class Version:
    """A published version; its description says which push made it and what it replaced.

    `pushed` is the push's name, the same for all its functions: names sort by time. Both are None
    for a version that no push has made.
    """

    number: str
    pushed: str | None
    replaces: str | None


class Functions:
    """The functions of one environment, by their names in dist/."""

    def __init__(self, session: boto3.Session, environment: str) -> None:
        self._environment = environment
        retries = Config(retries={"mode": "standard", "total_max_attempts": 4})
        # An invocation is sent once: a second try would run the function twice.
        once = Config(retries={"total_max_attempts": 1}, read_timeout=900)
        with explained("to call Lambda"):
            self._client: LambdaClient = session.client("lambda", config=retries)
            self._invoker: LambdaClient = session.client("lambda", config=once)
        self.region = self._client.meta.region_name

    def deployed_name(self, name: str) -> str:
        """The name on AWS."""
        return deployed_name(self._environment, name)

    def read_all(self, names: list[str]) -> dict[str, Deployed | None]:
        """The states of all, by name."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(names, pool.map(self.read, names), strict=True))

    def read(self, name: str) -> Deployed | None:
        """The state of one; None for a function that does not exist."""
        function = self.deployed_name(name)
        with explained(f"to read {function}"):
            try:
                latest = self._client.get_function_configuration(FunctionName=function)
            except self._client.exceptions.ResourceNotFoundException:
                return None
            return Deployed(
                handler=latest["Handler"],
                runtime=latest["Runtime"],
                architecture=latest["Architectures"][0],
                revision_id=latest.get("RevisionId"),
                live=self._live(function, latest),
            )

    def others(self, names: list[str]) -> list[str]:
        """Functions on AWS that have the environment's prefix, but are none of `names`."""
        known = {self.deployed_name(name) for name in names}
        with explained("to list functions"):
            pages = self._client.get_paginator("list_functions").paginate()
            found = [function["FunctionName"] for page in pages for function in page["Functions"]]
        prefix = f"{self._environment}-"
        return sorted(name for name in found if name.startswith(prefix) and name not in known)

    def upload(self, push: Push, content: bytes, pushed: str, progress: Progress) -> str:
        """Makes the zip a new version, which nobody calls yet; returns the version's number.

        `pushed` names the push.
        """
        function = self.deployed_name(push.name)
        with explained(f"to upload {function}"):
            with _watched(self._client, function, progress):
                self._client.update_function_code(
                    FunctionName=function, ZipFile=content, **_guard(push.deployed.revision_id)
                )
            self._client.get_waiter("function_updated_v2").wait(FunctionName=function)
        with explained(f"to publish {function}"):
            latest = self._client.get_function_configuration(FunctionName=function)
            version = self._client.publish_version(
                FunctionName=function,
                # Refused when somebody else has uploaded another zip since.
                CodeSha256=base64.b64encode(bytes.fromhex(push.manifest.zip.sha256)).decode(),
                Description=_description(pushed, push.deployed.live),
                **_guard(latest.get("RevisionId")),
            )["Version"]
            waiter = self._client.get_waiter("published_version_active")
            waiter.wait(FunctionName=function, Qualifier=version)
            return version

    def move(self, name: str, live: Live | None, version: str) -> str:
        """Points the alias at a version, from the state that was read; None: makes the alias.

        Returns the alias's new RevisionId, for the next change.
        """
        function = self.deployed_name(name)
        with explained(f"to move {ALIAS} of {function}"):
            if live is None:
                alias = self._client.create_alias(
                    FunctionName=function, Name=ALIAS, FunctionVersion=version
                )
                return alias["RevisionId"]
            return self._route(function, live, version, {})

    def start_canary(self, name: str, live: Live, version: str, weight: float) -> str:
        """Gives a version its share, between 0 and 1, of the alias's invocations.

        Returns the alias's new RevisionId, for the next change.
        """
        function = self.deployed_name(name)
        with explained(f"to give {function} a canary"):
            return self._route(function, live, live.version, {version: weight})

    def versions(self, name: str) -> list[Version]:
        """The published versions, oldest first."""
        function = self.deployed_name(name)
        with explained(f"to list the versions of {function}"):
            pages = self._client.get_paginator("list_versions_by_function").paginate(
                FunctionName=function
            )
            return [
                _version(version["Version"], version.get("Description", ""))
                for page in pages
                for version in page["Versions"]
                if version["Version"] != "$LATEST"
            ]

    def invoke(self, name: str, payload: bytes, qualifier: str) -> Answer:
        """Invokes a version or alias and waits for its answer."""
        function = self.deployed_name(name)
        with explained(f"to invoke {function}"):
            answer = self._invoker.invoke(
                FunctionName=function, Qualifier=qualifier, Payload=payload, LogType="Tail"
            )
            text = answer["Payload"].read().decode()
        log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
        try:
            decoded = json.loads(text) if text else None
        except ValueError:
            raise DeployError(f"{function} answered what is not JSON: {text[:200]}") from None
        return Answer(decoded, answer.get("FunctionError"), log)

    def dry_run(self, name: str, qualifier: str) -> None:
        """Whether the version could be invoked, without running it."""
        function = self.deployed_name(name)
        with explained(f"to invoke {function}"):
            self._invoker.invoke(
                FunctionName=function, Qualifier=qualifier, InvocationType="DryRun"
            )

    def _route(self, function: str, live: Live, version: str, weights: dict[str, float]) -> str:
        return self._client.update_alias(
            FunctionName=function,
            Name=ALIAS,
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
            RevisionId=live.revision_id,
        )["RevisionId"]

    def _live(self, function: str, latest: Mapping[str, Any]) -> Live | None:
        try:
            alias = self._client.get_alias(FunctionName=function, Name=ALIAS)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        version = self._client.get_function_configuration(
            FunctionName=function, Qualifier=alias["FunctionVersion"]
        )
        sha256 = _hexadecimal(version["CodeSha256"])
        configured = all(version.get(name) == latest.get(name) for name in CONFIGURATION)
        return Live(
            alias["FunctionVersion"], sha256, alias["RevisionId"], _canary(alias), configured
        )


def _canary(alias: AliasConfigurationResponseTypeDef) -> tuple[str, float] | None:
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return next(iter(weights.items()), None)


def _hexadecimal(code_sha256: str) -> str:
    return base64.b64decode(code_sha256).hex()


def _description(pushed: str, live: Live | None) -> str:
    """A new version's description: where `rollback` finds its way back."""
    return f"push {pushed}" if live is None else f"push {pushed} replaces {live.version}"


def _version(number: str, description: str) -> Version:
    match = re.fullmatch(r"push (\S+)(?: replaces (\d+))?", description)
    return Version(number, match and match[1], match and match[2])


def _guard(revision_id: str | None) -> dict[str, Any]:
    """The argument that has a change refused if another came first. moto's server gives no ids."""
    return {} if revision_id is None else {"RevisionId": revision_id}


class _Watched:
    """A request's body that tells how much of it was read."""

    def __init__(self, body: bytes, progress: Progress) -> None:
        self._body = body
        self._progress = progress
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        end = len(self._body) if size < 0 else self._position + size
        part = self._body[self._position : end]
        self._position += len(part)
        self._progress(self._position, len(self._body))
        return part

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        self._position = position


@contextmanager
def _watched(client: LambdaClient, function: str, progress: Progress) -> Iterator[None]:
    """Has the uploads of a function tell their progress.

    boto3 tells it for S3 alone; botocore lets a request's body be replaced before it is sent.
    """

    def before_send(request: AWSPreparedRequest, **_: object) -> None:
        if f"/{function}/" in request.url and isinstance(request.body, bytes):
            request.body = _Watched(request.body, progress)  # type: ignore[assignment]

    events = client.meta.events
    events.register("before-send.lambda.UpdateFunctionCode", before_send, unique_id=function)
    try:
        yield
    finally:
        events.unregister("before-send.lambda.UpdateFunctionCode", unique_id=function)
