"""A project directory with small functions, and an AWS account that moto's server plays."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from deploy.main import main

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ACCOUNT_ID = "123456789012"  # moto's
REGION = "eu-central-1"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]

ONE = "def handler(event, context): return event\n"
TWO = ONE + "# changed\n"


@dataclass(frozen=True)
class Project:
    """A directory with dist/, events/ and infra/environments/."""

    directory: Path

    def package(self, name: str, source: str, **fields: Any) -> None:
        """Writes the zip and manifest of a function to dist/, and its test event."""
        zip_file = io.BytesIO()
        with zipfile.ZipFile(zip_file, "w") as archive:
            info = zipfile.ZipInfo(f"{name.replace('.', '/')}/handler.py")
            archive.writestr(info, source)
        content = zip_file.getvalue()
        manifest = {
            "name": name,
            "handler": f"{name}.handler.handler",
            "runtime": "python3.13",
            "architecture": ARCHITECTURE,
            "zip": {
                "file": f"{name}.zip",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
                "unpacked_size": len(source),
            },
            "memory": 128,
            "timeout": 10,
            "reserved_concurrency": None,
            "on_failure": None,
            "trigger": None,
            "permissions": {"writes_to": [], "database": None},
            "environments": None,
            **fields,
        }
        dist = self.directory / "dist"
        dist.mkdir(exist_ok=True)
        (dist / f"{name}.zip").write_bytes(content)
        (dist / f"{name}.json").write_text(json.dumps(manifest))
        self.event(name, {"a": 1})

    def event(self, name: str, event: object) -> None:
        """Writes the test event of a function."""
        events = self.directory / "events"
        events.mkdir(exist_ok=True)
        (events / f"{name}.json").write_text(json.dumps(event))

    def variables(self, environment: str, **variables: str) -> None:
        """Writes an environment's variable file."""
        files = self.directory / "infra" / "environments"
        files.mkdir(parents=True, exist_ok=True)
        content = {"account_id": ACCOUNT_ID, "region": REGION, **variables}
        lines = [f'{name} = "{value}"' for name, value in content.items()]
        (files / f"{environment}.tfvars").write_text("\n".join(lines))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project with the environments qa and prod, and the current directory in it."""
    monkeypatch.chdir(tmp_path)
    result = Project(tmp_path)
    result.variables("qa")
    result.variables("prod")
    return result


@dataclass(frozen=True)
class Account:
    """An AWS account, and what the infrastructure would have made in it."""

    url: str
    client: LambdaClient
    role: str
    project: Project

    def service(self, name: Any) -> Any:
        """A client for a service."""
        return boto3.client(name)

    def create(self, name: str, environment: str = "qa", *, by_hand: bool = False) -> None:
        """Makes a function of what is packaged, and unless it is by hand, the alias live."""
        manifest = json.loads((self.project.directory / "dist" / f"{name}.json").read_text())
        function = f"{environment}-{name.replace('.', '-')}"
        self.client.create_function(
            FunctionName=function,
            Runtime=manifest["runtime"],
            Architectures=[manifest["architecture"]],
            Role=self.role,
            Handler=manifest["handler"],
            Code={"ZipFile": (self.project.directory / "dist" / f"{name}.zip").read_bytes()},
            Publish=not by_hand,
        )
        if not by_hand:
            self.client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")

    def live(self, name: str, environment: str = "qa") -> tuple[str, dict[str, float]]:
        """The version that live points at, and the weights of others."""
        function = f"{environment}-{name.replace('.', '-')}"
        alias = self.client.get_alias(FunctionName=function, Name="live")
        routing = alias.get("RoutingConfig") or {}
        return alias["FunctionVersion"], routing.get("AdditionalVersionWeights") or {}

    def moto(self, path: str, body: object) -> None:
        """Calls moto's own API."""
        request = urllib.request.Request(
            f"{self.url}/moto-api/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        urllib.request.urlopen(request).read()

    def answers(self, *payloads: object) -> None:
        """Has the next invocations answer this: without Docker, moto runs no function.

        After these, a function answers with its event.
        """
        results = [json.dumps(payload) for payload in payloads]
        self.moto(
            "static/lambda-simple/response",
            {"results": results, "region": REGION, "account_id": ACCOUNT_ID},
        )


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def account(moto_url: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An empty account, for which there are credentials that may do everything."""
    set_credentials(monkeypatch, moto_url, "an-access-key", "a-secret")
    request = urllib.request.Request(f"{moto_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(request).read()
    role = boto3.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    result = Account(moto_url, boto3.client("lambda"), role["Role"]["Arn"], project)
    result.moto("config", {"lambda": {"use_docker": False}})
    return result


def set_credentials(
    monkeypatch: pytest.MonkeyPatch, url: str, key: str | None, secret: str | None
) -> None:
    """The environment variables that boto3 goes by, and no configuration of this machine."""
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": None,
        "AWS_PROFILE": None,
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


@dataclass(frozen=True)
class Ran:
    """What a command came to: its status, and all that it printed."""

    status: int
    output: str


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command of the deployer: run("push", "producers.a")."""
    monkeypatch.setenv("COLUMNS", "400")

    def run_command(command: str, *arguments: str, environment: str = "qa") -> Ran:
        capfd.readouterr()
        status = main([command, "--environment", environment, *arguments])
        captured = capfd.readouterr()
        return Ran(status, captured.out + captured.err)

    return run_command


def change_after_deployment(project: Project, account: Account) -> None:
    """As producers.a ONE serves in qa, and TWO is packaged."""
    project.package("producers.a", ONE)
    account.create("producers.a")
    project.package("producers.a", TWO)
