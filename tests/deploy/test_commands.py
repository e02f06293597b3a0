"""The other commands, against moto's server."""

import time
from typing import Any

import pytest

from deploy import command_line
from deploy.push import Canary
from tests.deploy.conftest import ONE, TWO, Account, Project


def test_status_says_what_runs_and_what_differs(
    project: Project, account: Account, run: Any
) -> None:
    for name in ("producers.a", "producers.b", "producers.old"):
        project.package(name, ONE)
        account.create(name)
    account.create("producers.a", "prod")
    project.package("producers.b", TWO)
    project.package("producers.new", ONE)
    project.package("producers.prod", ONE, environments=["prod"])
    for suffix in ("zip", "json"):
        (project.directory / "dist" / f"producers.old.{suffix}").unlink()
    output = run("status").output
    rows = {line.split()[1]: line for line in output.splitlines() if "producers" in line}
    assert "the same" in rows["qa-producers-a"]
    assert "differs" in rows["qa-producers-b"]
    assert "does not exist" in rows["qa-producers-new"]
    assert "not in dist/" in rows["qa-producers-old"]
    assert len(rows) == 4


def test_all_sandboxes_have_one_file(project: Project, account: Account, run: Any) -> None:
    project.package("producers.a", ONE)
    project.variables("sandbox")
    account.create("producers.a", "sandbox-ann")
    ran = run("status", environment="sandbox-ann")
    assert ran.status == 0, ran.output
    assert "sandbox-ann-producers-a" in ran.output


def test_invoke_sends_the_test_event_or_another(
    project: Project, account: Account, run: Any
) -> None:
    project.package("producers.a", ONE)
    account.create("producers.a")
    ran = run("invoke", "producers.a")
    assert (ran.status, ran.output.split()) == (0, ["{", '"a":', "1", "}"])
    (project.directory / "other.json").write_text("[2]")
    assert run("invoke", "producers.a", "other.json").output.split() == ["[", "2", "]"]
    ran = run("invoke", "producers.a", "none.json")
    assert ran.status == 1
    assert "none.json is missing" in ran.output
    project.package("producers.b", ONE)
    ran = run("invoke", "producers.b")
    assert ran.status == 1
    assert "qa-producers-b does not exist" in ran.output


def test_logs_shows_what_the_function_said(project: Project, account: Account, run: Any) -> None:
    project.package("producers.a", ONE)
    ran = run("logs", "producers.a", "--no-follow")
    assert ran.status == 1
    assert "There is no log /aws/lambda/qa-producers-a" in ran.output
    client = account.service("logs")
    place = {"logGroupName": "/aws/lambda/qa-producers-a", "logStreamName": "one"}
    client.create_log_group(logGroupName=place["logGroupName"])
    client.create_log_stream(**place)
    now = int(time.time() * 1000)
    lines = [(now - 3_600_000, "long ago"), (now - 2000, '{"message": "[first]"}'), (now, "second")]
    client.put_log_events(
        **place, logEvents=[{"timestamp": at, "message": message} for at, message in lines]
    )
    ran = run("logs", "producers.a", "--no-follow")
    assert ran.output.splitlines() == ['{"message": "[first]"}', "second"]
    assert "long ago" in run("logs", "producers.a", "--no-follow", "--since", "2h").output


def test_open_prints_the_console_address(project: Project, account: Account, run: Any) -> None:
    project.package("producers.a", ONE)
    assert run("open", "producers.a").output == (
        "https://eu-central-1.console.aws.amazon.com/lambda/home?region=eu-central-1"
        "#/functions/qa-producers-a\n"
    )


def test_without_zips_it_says_how_to_make_them(
    project: Project, account: Account, run: Any
) -> None:
    ran = run("status")
    assert ran.status == 1
    assert "run `./pants package ::` first" in ran.output


def test_what_is_no_manifest_is_named(project: Project, account: Account, run: Any) -> None:
    project.package("producers.a", ONE)
    (project.directory / "dist" / "producers.a.json").write_text('{"name": "producers.a"}')
    ran = run("status")
    assert ran.status == 1
    assert "dist/producers.a.json is no manifest" in ran.output


def test_the_command_line_reads_shares_and_durations() -> None:
    parsed = command_line.parse(["push", "--environment", "qa", "--canary", "5%", "--for", "2h"])
    assert parsed.canary == Canary(0.05, 7200)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--canary", "5%"],
        ["--canary", "0%", "--for", "5m"],
        ["--canary", "100%", "--for", "5m"],
        ["--canary", "5%", "--for", "5 minutes"],
    ],
)
def test_the_command_line_refuses_a_canary_that_makes_no_sense(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.parse(["push", "--environment", "qa", *wrong])
