"""A canary, against moto's Lambda and CloudWatch. Its clock is the tests' own: nobody waits."""

import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from deploy import push
from deploy.push import Clock
from tests.deploy.conftest import ONE, Account, Project, change_after_deployment

SHARE = ("--canary", "10%", "--for", "5m")


@pytest.fixture
def changed(project: Project, account: Account) -> None:
    """A function with a quiet error alarm, and another zip for it in dist/."""
    change_after_deployment(project, account)
    set_alarm(account, "OK")


def set_alarm(account: Account, state: str) -> None:
    client = account.service("cloudwatch")
    client.put_metric_alarm(
        AlarmName="qa-producers-a-errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
    )
    client.set_alarm_state(
        AlarmName="qa-producers-a-errors", StateValue=state, StateReason="the test says so"
    )


def use_clock(monkeypatch: pytest.MonkeyPatch, at: dict[int, Callable[[], None]]) -> list[float]:
    """A clock ahead at once by what is slept; what `at` has happens after so many sleeps."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        at.get(len(slept), lambda: None)()

    monkeypatch.setattr(push, "WALL_CLOCK", Clock(lambda: sum(slept), sleep))
    return slept


def interrupt() -> None:
    """What Ctrl-C does, unless a shell has put the program in the background."""
    raise KeyboardInterrupt


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_a_canary_whose_alarm_stays_quiet_becomes_live(
    account: Account, run: Any, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    set_alarm(account, state)
    seen: list[object] = []
    slept = use_clock(monkeypatch, {1: lambda: seen.append(account.live("producers.a"))})
    ran = run("push", "--yes", *SHARE)
    assert ran.status == 0, ran.output
    assert seen == [("1", {"2": 0.1})]
    assert sum(slept) == 300
    assert account.live("producers.a") == ("2", {})


@pytest.mark.usefixtures("changed")
def test_when_the_alarm_fires_the_old_version_has_all_invocations_again(
    account: Account, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = use_clock(monkeypatch, {7: lambda: set_alarm(account, "ALARM")})
    ran = run("push", "--yes", *SHARE)
    assert ran.status == 1
    assert len(slept) == 7
    assert account.live("producers.a") == ("1", {})
    assert "producers.a: live is back at version 1" in ran.output
    assert "The error alarm of producers.a fired: see `logs producers.a`" in ran.output


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("stop", [interrupt, partial(signal.raise_signal, signal.SIGTERM)])
def test_a_canary_that_is_stopped_gives_all_invocations_back(
    account: Account, run: Any, monkeypatch: pytest.MonkeyPatch, stop: Callable[[], None]
) -> None:
    use_clock(monkeypatch, {3: stop})
    assert run("push", "--yes", *SHARE).status == 130
    assert account.live("producers.a") == ("1", {})


@pytest.mark.usefixtures("changed")
def test_a_canary_is_refused_while_the_alarm_fires_or_is_missing(
    account: Account, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_clock(monkeypatch, {})
    set_alarm(account, "ALARM")
    ran = run("push", "--yes", *SHARE)
    assert ran.status == 1
    assert "The error alarm of producers.a fires already" in ran.output
    account.service("cloudwatch").delete_alarms(AlarmNames=["qa-producers-a-errors"])
    ran = run("push", "--yes", *SHARE)
    assert ran.status == 1
    assert "There is no alarm qa-producers-a-errors to watch a canary by" in ran.output
    assert account.live("producers.a") == ("1", {})


def test_a_first_version_cannot_be_a_canary(project: Project, account: Account, run: Any) -> None:
    project.package("producers.a", ONE)
    account.create("producers.a", by_hand=True)
    ran = run("push", "--yes", *SHARE)
    assert ran.status == 1
    assert "producers.a has no version yet for the rest of the invocations" in ran.output


@pytest.mark.usefixtures("changed")
def test_a_canary_that_was_killed_is_seen_and_ended_by_rollback(account: Account, run: Any) -> None:
    function: Any = {"FunctionName": "qa-producers-a"}
    account.client.update_function_code(
        **function, ZipFile=(account.project.directory / "dist/producers.a.zip").read_bytes()
    )
    account.client.publish_version(**function)
    account.client.update_alias(
        **function,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    ran = run("push", "--yes")
    assert ran.status == 1
    assert "version 2 already has 10% of the invocations" in ran.output
    assert "1, 10% to 2" in run("status").output
    ran = run("rollback", "producers.a", "--yes")
    assert ran.status == 0, ran.output
    assert account.live("producers.a") == ("1", {})
