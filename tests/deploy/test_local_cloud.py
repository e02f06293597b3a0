"""Push and rollback against the local cloud, which runs each version's own code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from deploy import environment
from deploy.alarms import Alarms
from deploy.dist import load_manifest
from deploy.errors import DeployError
from deploy.functions import Functions
from deploy.plan import deployed_name, make_plan
from deploy.push import Deployment
from local.manifest import read_zip
from tests.deploy.conftest import Project, set_credentials
from tests.local.conftest import running_beside

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ANSWER = "def handler(event, context): return {answer!r} if event else 1 / 0\n"
NAMES = ["producers.a", "producers.b"]
FUNCTION = "local-producers-a"


@pytest.fixture(scope="module")
def cloud_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_beside(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud.url


@pytest.fixture
def client(
    cloud_url: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LambdaClient]:
    """The local cloud, with the first version of each function, which live points at."""
    set_credentials(monkeypatch, cloud_url, "any", "any")
    client: LambdaClient = boto3.client("lambda")
    for name in NAMES:
        project.package(name, ANSWER.format(answer="old"))
        client.create_function(
            FunctionName=deployed_name("local", name),
            Runtime="python3.13",
            Architectures=[load_manifest(name, Path("dist")).architecture],
            Role="arn:aws:iam::123456789012:role/any",
            Handler=f"{name}.handler.handler",
            Code={"ZipFile": Path(f"dist/{name}.zip").read_bytes()},
            Publish=True,
        )
        client.create_alias(
            FunctionName=deployed_name("local", name), Name="live", FunctionVersion="1"
        )
    yield client
    for name in NAMES:
        client.delete_function(FunctionName=deployed_name("local", name))


def push(run: Any) -> Any:
    return run("push", "producers.a", "--yes", environment="local")


def answer(run: Any, name: str = "producers.a") -> str:
    ran = run("invoke", name, environment="local")
    assert ran.status == 0, ran.output
    return str(ran.output.strip())


def deployment(session: boto3.Session | None = None) -> tuple[Any, Deployment]:
    """What a push has planned before it changes anything."""
    functions = Functions(session or environment.open_session("local", None), "local")
    manifests = [load_manifest(name, Path("dist")) for name in NAMES]
    plan = make_plan(manifests, functions.read_all(NAMES), "local")
    assert not plan.problems
    zips = {manifest.name: read_zip(manifest, Path("dist")) for manifest in manifests}
    alarms = Alarms(environment.open_session("local", None), "local")
    return plan.pushes, Deployment("now", functions, alarms, zips, Path("events"), print)


def quiet(name: str) -> Any:
    return lambda sent, total: None


@pytest.mark.usefixtures("client")
def test_what_is_pushed_answers_and_what_is_rolled_back_answers_again(
    project: Project, run: Any
) -> None:
    assert answer(run) == '"old"'
    project.package("producers.a", ANSWER.format(answer="new"))
    ran = push(run)
    assert ran.status == 0, ran.output
    assert "version 2 published, and checked with events/producers.a.json" in ran.output
    assert answer(run) == '"new"'
    ran = run("rollback", "--yes", "producers.a", environment="local")
    assert ran.status == 0, ran.output
    assert answer(run) == '"old"'


def test_before_the_first_push_the_code_that_is_there_answers(
    client: LambdaClient, run: Any
) -> None:
    client.delete_alias(FunctionName=FUNCTION, Name="live")
    assert answer(run) == '"old"'


def test_a_configuration_that_has_changed_since_wants_a_push(
    client: LambdaClient, run: Any
) -> None:
    client.update_function_configuration(FunctionName=FUNCTION, MemorySize=256)
    output = run("status", environment="local").output
    assert "Terraform has changed its configuration since: push" in output


@pytest.mark.usefixtures("client")
def test_an_invocation_that_fails_shows_the_log(project: Project, run: Any) -> None:
    (project.directory / "nothing.json").write_text("null")
    ran = run("invoke", "producers.a", "nothing.json", environment="local")
    assert ran.status == 1
    assert "producers.a failed:" in ran.output
    assert "ZeroDivisionError" in ran.output


@pytest.mark.usefixtures("client")
def test_the_local_cloud_shows_logs_and_functions_itself(run: Any) -> None:
    ran = run("logs", "producers.a", environment="local")
    assert ran.status == 1
    assert "./pants run //:local -- --follow producers.a" in ran.output
    ran = run("open", "producers.a", environment="local")
    assert ran.status == 1
    assert "The local cloud is not in the AWS console" in ran.output


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def handler(event, context): raise LookupError('no such table')", "no such table"),
        ("import nothing_that_exists", "No module named 'nothing_that_exists'"),
        ("def handler(event, context): return {'unavailable': [event]}", "unavailable: [{'a': 1}]"),
    ],
)
def test_a_version_that_fails_its_check_leaves_the_old_one_serving(
    project: Project, run: Any, source: str, complaint: str
) -> None:
    project.package("producers.a", source)
    ran = push(run)
    assert ran.status == 1
    assert "version 2 failed its check with events/producers.a.json" in ran.output
    assert complaint in ran.output
    assert answer(run) == '"old"'


def test_of_two_pushes_at_once_the_second_is_refused(
    client: LambdaClient, project: Project, run: Any
) -> None:
    project.package("producers.a", ANSWER.format(answer="second"))
    pushes, second = deployment()
    project.package("producers.a", ANSWER.format(answer="first"))
    assert push(run).status == 0
    with pytest.raises(DeployError, match="Somebody else changed it") as refused:
        second.push(pushes, quiet)
    assert "live was not moved" in str(refused.value)
    assert answer(run) == '"first"'
    versions = client.list_versions_by_function(FunctionName=FUNCTION)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("GetFunctionConfiguration", "update_function_code"),
        ("PublishVersion", "update_function_configuration"),
    ],
)
def test_what_another_changes_between_upload_and_publication_is_not_published(
    client: LambdaClient, project: Project, run: Any, operation: str, change: str
) -> None:
    project.package("producers.a", ANSWER.format(answer="theirs"))
    changes: dict[str, dict[str, Any]] = {
        "update_function_code": {"ZipFile": Path("dist/producers.a.zip").read_bytes()},
        "update_function_configuration": {"Timeout": 11},
    }
    project.package("producers.a", ANSWER.format(answer="ours"))
    session = environment.open_session("local", None)
    planned: list[bool] = []

    def interfere(**_: object) -> None:
        if planned:
            getattr(client, change)(FunctionName=FUNCTION, **changes[change])

    session.events.register(f"before-call.lambda.{operation}", interfere)
    pushes, ours = deployment(session)
    planned.append(True)
    with pytest.raises(DeployError, match="live was not moved"):
        ours.push(pushes, quiet)
    versions = client.list_versions_by_function(FunctionName=FUNCTION)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]
    assert answer(run) == '"old"'


def test_when_live_was_moved_meanwhile_it_is_left_there(
    client: LambdaClient, project: Project, run: Any
) -> None:
    project.package("producers.a", ANSWER.format(answer="new"))
    pushes, late = deployment()
    client.update_alias(FunctionName=FUNCTION, Name="live", Description="moved by hand")
    with pytest.raises(DeployError, match="Somebody else changed it"):
        late.push(pushes, quiet)
    assert answer(run) == '"old"'


def test_when_one_function_cannot_move_those_before_it_go_back(
    client: LambdaClient, project: Project, run: Any
) -> None:
    for name in NAMES:
        project.package(name, ANSWER.format(answer="new"))
    pushes, late = deployment()
    assert [push.name for push in pushes] == NAMES
    client.update_alias(
        FunctionName=deployed_name("local", "producers.b"), Name="live", Description="by hand"
    )
    with pytest.raises(DeployError, match="Somebody else changed it"):
        late.push(pushes, quiet)
    assert [answer(run, name) for name in NAMES] == ['"old"', '"old"']
