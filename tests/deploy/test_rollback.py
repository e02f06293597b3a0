"""Rollback, against moto's Lambda; and which version it goes back to, by example."""

from typing import Any

import pytest

from deploy.errors import DeployError
from deploy.functions import Version
from deploy.plan import Live
from deploy.rollback import Serving, of_last_push, previous
from tests.deploy.conftest import ONE, TWO, Account, Project, change_after_deployment


def test_without_names_the_last_push_is_undone_as_a_whole(
    project: Project, account: Account, run: Any
) -> None:
    for name in ("producers.a", "producers.b", "producers.c"):
        project.package(name, ONE)
        account.create(name)
    project.package("producers.a", TWO)
    project.package("producers.c", TWO)
    assert run("push", "--yes").status == 0
    ran = run("rollback", "--yes")
    assert ran.status == 0, ran.output
    assert "producers.a: live goes back from version 2 to version 1" in ran.output
    for name in ("producers.a", "producers.b", "producers.c"):
        assert account.live(name) == ("1", {})
    assert "differs" in run("status").output


def test_the_first_version_has_nothing_to_go_back_to(
    project: Project, account: Account, run: Any
) -> None:
    project.package("producers.a", ONE)
    account.create("producers.a")
    ran = run("rollback", "producers.a", "--yes")
    assert ran.status == 1
    assert "producers.a: version 1 is the first: there is nothing to go back to" in ran.output


def test_a_version_that_failed_its_check_is_not_gone_back_to(
    project: Project, account: Account, run: Any
) -> None:
    change_after_deployment(project, account)
    account.answers({"statusCode": 503})
    assert run("push", "--yes").status == 1
    project.package("producers.a", TWO + "# mended\n")
    assert run("push", "--yes").status == 0
    assert account.live("producers.a") == ("3", {})
    assert run("rollback", "--yes").status == 0
    assert account.live("producers.a") == ("1", {})


def test_what_no_push_has_made_is_not_rolled_back(
    project: Project, account: Account, run: Any
) -> None:
    project.package("producers.a", ONE)
    account.create("producers.a", by_hand=True)
    ran = run("rollback", "producers.a", "--yes")
    assert ran.status == 1
    assert "producers.a was never pushed here" in ran.output
    ran = run("rollback", "--yes")
    assert ran.status == 1
    assert "Nothing that serves here was pushed: name the functions" in ran.output


def test_nothing_moves_before_somebody_has_agreed(
    project: Project, account: Account, run: Any
) -> None:
    change_after_deployment(project, account)
    assert run("push", "--yes").status == 0
    ran = run("rollback", "producers.a")
    assert ran.status == 1
    assert account.live("producers.a") == ("2", {})


def serving(live: str, *versions: Version, canary: tuple[str, float] | None = None) -> Serving:
    return Serving(Live(live, "00", "revision", canary), versions)


ONE_TO_SIX = (
    Version("1", None, None),
    Version("4", "20260101T000000Z", "1"),
    Version("5", "20260102T000000Z", "4"),
    Version("6", "20260103T000000Z", "4"),
)


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ("6", "4"),  # not the 5, which failed or was rolled back
        ("4", "1"),
        ("5", "4"),
    ],
)
def test_it_goes_back_to_what_was_replaced(live: str, expected: str) -> None:
    assert previous(serving(live, *ONE_TO_SIX)) == expected


def test_a_version_that_was_made_by_hand_goes_back_to_the_one_before() -> None:
    versions = [Version(number, None, None) for number in ("1", "9", "10")]
    assert previous(serving("10", *versions)) == "9"
    with pytest.raises(DeployError, match="nothing to go back to"):
        previous(serving("1", *versions))


def test_a_version_that_is_gone_is_not_gone_back_to() -> None:
    versions = [Version("3", None, None), Version("5", "20260102T000000Z", "4")]
    assert previous(serving("5", *versions)) == "3"


def test_a_canary_is_ended() -> None:
    assert previous(serving("4", *ONE_TO_SIX, canary=("6", 0.1))) == "4"


def test_the_last_push_is_that_of_the_newest_version_that_serves() -> None:
    functions = {
        "a": serving("6", *ONE_TO_SIX),
        "b": serving("5", *ONE_TO_SIX),
        "c": serving("4", *ONE_TO_SIX, canary=("6", 0.1)),
        "d": serving("1", *ONE_TO_SIX),
    }
    assert of_last_push(functions) == ["a", "c"]
    assert of_last_push({"d": functions["d"]}) == []
