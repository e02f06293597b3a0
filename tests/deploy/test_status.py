"""The table that `status` prints, by example."""

from rich.console import Console

from deploy.plan import Deployed, Live
from deploy.status import status_table
from tests.deploy.test_plan import A_HASH, B_HASH, deployed, manifest


def row(state: Deployed | None) -> str:
    console = Console(width=200, record=True)
    console.print(status_table([manifest("t.a")], {"t.a": state}, [], "qa"))
    (line,) = [line for line in console.export_text().splitlines() if "qa-t-a" in line]
    return line


def test_a_function_that_does_not_exist_needs_the_infrastructure() -> None:
    assert "does not exist: apply the infrastructure" in row(None)


def test_a_function_made_by_hand_is_not_pushed_yet() -> None:
    assert "not pushed yet" in row(deployed("t.a", live=None))


def test_another_zip_differs() -> None:
    line = row(deployed("t.a", B_HASH))
    assert "differs: aaaaaaaaaaaa" in line
    assert "bbbbbbbbbbbb" in line


def test_what_terraform_has_changed_since_wants_a_push() -> None:
    line = row(deployed("t.a", live=Live("1", A_HASH, "1", configured=False)))
    assert "the same, but Terraform has changed its configuration since: push" in line
