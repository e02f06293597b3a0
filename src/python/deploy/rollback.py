"""Which versions a rollback goes back to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.errors import DeployError
from deploy.functions import Version
from deploy.plan import Live


@dataclass(frozen=True, slots=True)
class Serving:
    """A function's alias and its published versions, oldest first."""

    live: Live
    versions: Sequence[Version]


def of_last_push(serving: Mapping[str, Serving]) -> list[str]:
    """The functions, by name, whose live version, or canary, is of the last push."""
    pushes = {name: pushed for name, each in serving.items() if (pushed := _pushed(each))}
    last = max(pushes.values(), default=None)
    return [name for name, pushed in pushes.items() if pushed == last]


def previous(serving: Serving) -> str:
    """The version to go back to: while a canary runs, the one that has the other invocations.

    Else what the live version has replaced, or, when it doesn't say, the next older version.
    Raises DeployError when there is none.
    """
    live = serving.live
    if live.canary is not None:
        return live.version
    replaces = {version.number: version.replaces for version in serving.versions}
    replaced = replaces.get(live.version)
    if replaced is not None and replaced in replaces:
        return replaced
    older = [number for number in replaces if int(number) < int(live.version)]
    if not older:
        raise DeployError(f"version {live.version} is the first: there is nothing to go back to")
    return older[-1]


def _pushed(serving: Serving) -> str | None:
    newest = serving.live.version if serving.live.canary is None else serving.live.canary[0]
    return next((each.pushed for each in serving.versions if each.number == newest), None)
