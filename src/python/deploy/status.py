"""What runs where, and what differs from dist/: the table that `status` prints."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from deploy.plan import ALIAS, Deployed, deployed_name, is_allowed
from local.manifest import Manifest


def status_table(
    manifests: Sequence[Manifest],
    deployed: Mapping[str, Deployed | None],
    others: Sequence[str],
    environment: str,
) -> Table:
    """`others` are functions of the environment on AWS that dist/ does not have."""
    table = Table("function", ALIAS, "sha256", "dist/", title=environment)
    for manifest in manifests:
        if is_allowed(manifest, environment):
            state = deployed[manifest.name]
            version, sha256 = _serving(state)
            table.add_row(
                deployed_name(environment, manifest.name),
                version,
                sha256[:12],
                _compared(manifest, state),
            )
    for name in others:
        table.add_row(name, "", "", "not in dist/")
    return table


def _serving(state: Deployed | None) -> tuple[str, str]:
    if state is None or state.live is None:
        return "none", ""
    version = state.live.version
    if state.live.canary is not None:
        other, weight = state.live.canary
        version += f", {weight:.0%} to {other}"
    return version, state.live.sha256


def _compared(manifest: Manifest, state: Deployed | None) -> str:
    if state is None:
        return "does not exist: apply the infrastructure"
    if state.live is None:
        return "not pushed yet"
    if state.live.sha256 != manifest.zip.sha256:
        return f"differs: {manifest.zip.sha256[:12]}"
    if not state.live.configured:
        return "the same, but Terraform has changed its configuration since: push"
    return "the same"
