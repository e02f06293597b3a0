"""Push against the Lambda API of moto's server, which keeps functions but runs none of them."""

import io
from typing import Any

import pytest

from deploy import environment, zip_checks
from deploy.dist import load_manifest
from deploy.functions import Functions
from deploy.plan import Push
from local.manifest import read_zip
from tests.deploy.conftest import (
    ONE,
    TWO,
    Account,
    Project,
    change_after_deployment,
    set_credentials,
)
from tests.deploy.front import Front


def test_there_is_nothing_to_do(project: Project, account: Account, run: Any) -> None:
    project.package("producers.a", ONE)
    account.create("producers.a")
    ran = run("push", "--yes")
    assert (ran.status, account.live("producers.a")) == (0, ("1", {}))
    assert "Nothing to do." in ran.output


def test_the_first_push_of_a_function_made_by_hand_makes_the_alias(
    project: Project, account: Account, run: Any
) -> None:
    project.package("producers.a", ONE)
    account.create("producers.a", by_hand=True)
    ran = run("push", "--yes")
    assert ran.status == 0, ran.output
    assert account.live("producers.a") == ("1", {})


def test_a_function_that_does_not_exist_needs_the_infrastructure_first(
    project: Project, account: Account, run: Any
) -> None:
    project.package("producers.a", ONE)
    ran = run("push", "--yes")
    assert ran.status == 1
    assert "qa-producers-a does not exist: apply the infrastructure first" in ran.output


def test_only_what_changed_is_pushed(project: Project, account: Account, run: Any) -> None:
    for name in ("producers.a", "producers.b"):
        project.package(name, ONE)
        account.create(name)
    project.package("producers.b", TWO)
    ran = run("push", "--yes")
    assert ran.status == 0, ran.output
    assert account.live("producers.a") == ("1", {})
    assert account.live("producers.b") == ("2", {})
    assert "same      qa-producers-a" in ran.output
    assert "push      qa-producers-b" in ran.output
    assert run("push", "--yes").output.endswith("Nothing to do.\n")


def test_only_what_is_named_is_pushed(project: Project, account: Account, run: Any) -> None:
    for name in ("producers.a", "producers.b"):
        project.package(name, ONE)
        account.create(name)
        project.package(name, TWO)
    assert run("push", "producers.b", "--yes").status == 0
    assert account.live("producers.a") == ("1", {})
    assert account.live("producers.b") == ("2", {})


def test_nothing_changes_before_somebody_has_agreed(
    project: Project, account: Account, run: Any
) -> None:
    change_after_deployment(project, account)
    ran = run("push")
    assert ran.status == 1
    assert "push      qa-producers-a" in ran.output
    assert "say --yes" in ran.output
    assert (
        len(account.client.list_versions_by_function(FunctionName="qa-producers-a")["Versions"])
        == 2
    )


@pytest.mark.parametrize(
    ("answer", "status", "version"), [("\n", 1, "1"), ("n\n", 1, "1"), ("y\n", 0, "2")]
)
def test_a_person_is_asked(
    project: Project,
    account: Account,
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    status: int,
    version: str,
) -> None:
    change_after_deployment(project, account)
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    ran = run("push")
    assert (ran.status, account.live("producers.a")) == (status, (version, {}))
    assert "Push? [y/N]" in ran.output


def test_without_a_test_event_a_version_goes_live_when_it_is_ready(
    project: Project, account: Account, run: Any
) -> None:
    change_after_deployment(project, account)
    (project.directory / "events" / "producers.a.json").unlink()
    ran = run("push", "--yes")
    assert ran.status == 0, ran.output
    assert "there is no events/producers.a.json to check it with" in ran.output
    assert account.live("producers.a") == ("2", {})


def test_a_version_that_fails_its_check_serves_nobody(
    project: Project, account: Account, run: Any
) -> None:
    for name in ("producers.a", "producers.b"):
        project.package(name, ONE)
        account.create(name)
        project.package(name, TWO)
    account.answers({"statusCode": 503, "body": "no stream"})
    ran = run("push", "--yes")
    assert ran.status == 1
    assert "failed its check with events/producers." in ran.output
    assert "HTTP status 503: no stream" in ran.output
    assert "live was not moved: all functions serve as before" in ran.output
    assert account.live("producers.a") == account.live("producers.b") == ("1", {})
    # Pushed again, what is there already is taken up.
    assert run("push", "--yes").status == 0
    assert "1" not in (account.live("producers.a")[0], account.live("producers.b")[0])
    assert run("push", "--yes").output.endswith("Nothing to do.\n")


def test_an_upload_that_is_cut_off_changes_nothing(
    project: Project, account: Account, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_after_deployment(project, account)
    with Front(account.url, b"/code ") as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        ran = run("push", "--yes")
    assert ran.status == 1
    assert "The connection was lost to upload qa-producers-a" in ran.output
    assert front.requests > 1, "it is tried again before it is given up"
    assert account.live("producers.a") == ("1", {})
    monkeypatch.setenv("AWS_ENDPOINT_URL", account.url)
    assert run("push", "--yes").status == 0
    assert account.live("producers.a") == ("2", {})


def test_an_invocation_that_is_cut_off_is_not_repeated(
    project: Project, account: Account, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.package("producers.a", ONE)
    account.create("producers.a")
    with Front(account.url, b"/invocations") as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        ran = run("invoke", "producers.a")
    assert ran.status == 1
    assert "The connection was lost to invoke qa-producers-a" in ran.output
    assert front.requests == 1


def test_without_credentials_it_says_how_to_sign_in(
    project: Project, account: Account, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.package("producers.a", ONE)
    set_credentials(monkeypatch, account.url, None, None)
    ran = run("push", "--yes")
    assert ran.status == 1
    assert "There are no AWS credentials" in ran.output
    assert "aws sso login" in ran.output


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", "do not permit to upload qa-producers-a: have Update"),
        ("ExpiredTokenException", "AWS does not accept the credentials to upload qa-producers-a"),
    ],
)
def test_what_the_credentials_may_not_do_is_said(
    project: Project,
    account: Account,
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    expected: str,
) -> None:
    change_after_deployment(project, account)
    # moto computes other signatures for Lambda's paths than boto3, and so cannot tell who may what.
    body = b'{"Message": "No"}'
    refusal = (
        b"HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: %s\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (code.encode(), len(body), body)
    )
    with Front(account.url, b"/code ", refusal) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        ran = run("push", "--yes")
    assert ran.status == 1
    assert expected in ran.output
    assert account.live("producers.a") == ("1", {})


def test_another_account_or_region_is_refused_before_anything_is_asked(
    project: Project, account: Account, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.package("producers.a", ONE)
    project.variables("prod", account_id="210987654321")
    ran = run("push", "--yes", environment="prod")
    assert ran.status == 1
    assert (
        "prod is in the account 210987654321, but the credentials are for 123456789012"
        in ran.output
    )
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    ran = run("push", "--yes")
    assert ran.status == 1
    assert "qa is in eu-central-1, but AWS_REGION or your profile says us-west-2" in ran.output


def test_an_environment_without_a_file_is_refused(
    project: Project, account: Account, run: Any
) -> None:
    project.package("producers.a", ONE)
    ran = run("status", environment="quality")
    assert ran.status == 1
    assert "quality.tfvars is missing: the environments are local, prod, qa" in ran.output
    (project.directory / "infra" / "environments" / "qa.tfvars").write_text("")
    ran = run("status")
    assert ran.status == 1
    assert 'qa.tfvars lacks region = "…"' in ran.output


def test_what_must_not_exist_in_prod_is_left_out(
    project: Project, account: Account, run: Any
) -> None:
    project.package("consumers.clear", ONE, environments=["qa", "sandbox"])
    ran = run("push", "--yes", environment="prod")
    assert ran.status == 0
    assert "left out  consumers.clear: not in prod" in ran.output
    ran = run("push", "consumers.clear", "--yes", environment="prod")
    assert ran.status == 1
    assert "consumers.clear must not exist in prod, but in qa, sandbox" in ran.output


def test_a_zip_that_lambda_would_not_take_is_refused(
    project: Project, account: Account, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_after_deployment(project, account)
    monkeypatch.setattr(zip_checks, "MAXIMUM_ZIP", 10)
    ran = run("push", "--yes")
    assert ran.status == 1
    assert "but Lambda takes 10" in ran.output
    assert "Nothing was changed." in ran.output


def test_a_zip_that_is_not_that_of_its_manifest_is_refused(
    project: Project, account: Account, run: Any
) -> None:
    change_after_deployment(project, account)
    (project.directory / "dist" / "producers.a.zip").write_bytes(b"another")
    ran = run("push", "--yes")
    assert ran.status == 1
    assert "producers.a.zip is not the zip its manifest describes" in ran.output
    assert account.live("producers.a") == ("1", {})


def test_more_connections_than_the_database_has_are_refused(
    project: Project, account: Account, run: Any
) -> None:
    set_connection_alarm(account, 11)
    trigger = {
        "type": "stream", "stream": "logs", "batch_size": 1, "batching_window": 0,
        "parallelization_factor": 4, "maximum_retry_attempts": -1, "maximum_record_age": -1,
        "bisect_on_error": True, "tumbling_window": 0, "filters": [], "on_failure_queue": None,
        "starting_position": "LATEST", "starting_position_timestamp": None,
    }  # fmt: skip
    fields = {"trigger": trigger, "permissions": {"writes_to": [], "database": "write"}}
    project.package("consumers.sink", ONE, **fields)
    account.create("consumers.sink")
    project.package("consumers.sink", TWO, **fields)
    account.service("kinesis").create_stream(StreamName="qa-logs", ShardCount=3)
    ran = run("push", "--yes")
    assert ran.status == 1
    assert "would keep 12 connections (3 shards of logs x 4), but the database has 11" in ran.output
    set_connection_alarm(account, 12)
    assert run("push", "--yes").status == 0


def set_connection_alarm(account: Account, threshold: int) -> None:
    account.service("cloudwatch").put_metric_alarm(
        AlarmName="qa-connections",
        Namespace="AWS/RDS",
        MetricName="DatabaseConnections",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=5,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=threshold,
    )


def test_an_upload_waits_for_what_aws_takes_time_for(project: Project, account: Account) -> None:
    # Emulated functions are ready at once: that they are asked is all that can be seen.
    project.package("producers.a", ONE)
    account.create("producers.a")
    session = environment.open_session("local", None)
    asked: list[str] = []
    session.events.register("before-call.lambda", lambda model, **_: asked.append(model.name))
    functions = Functions(session, "qa")
    deployed = functions.read("producers.a")
    assert deployed is not None
    manifest = load_manifest("producers.a", project.directory / "dist")
    content = read_zip(manifest, project.directory / "dist")
    asked.clear()
    functions.upload(Push(manifest, deployed), content, "now", lambda sent, total: None)
    assert asked == [
        "UpdateFunctionCode",
        "GetFunction",
        "GetFunctionConfiguration",
        "PublishVersion",
        "GetFunctionConfiguration",
    ]


def test_the_upload_tells_how_far_it_is(project: Project, account: Account) -> None:
    project.package("producers.a", ONE + "#" * 500_000)
    account.create("producers.a")
    functions = Functions(environment.open_session("local", None), "qa")
    deployed = functions.read("producers.a")
    assert deployed is not None
    manifest = load_manifest("producers.a", project.directory / "dist")
    told: list[tuple[int, int]] = []
    content = read_zip(manifest, project.directory / "dist")
    functions.upload(Push(manifest, deployed), content, "now", lambda *both: told.append(both))
    assert len(told) > 3
    assert [sent for sent, _ in told] == sorted(sent for sent, _ in told)
    assert told[-1][0] == told[-1][1] > 500_000
