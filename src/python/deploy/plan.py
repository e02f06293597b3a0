"""What a push does: from the manifests in dist/ and what is on AWS to what is to change.

All of it is pure. Nothing here asks AWS, and nothing changes before a person has seen the plan.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from local.manifest import Manifest, StreamTrigger

ALIAS = "live"


@dataclass(frozen=True, slots=True)
class Live:
    """Where the alias points. `canary` is a second version and its share of the invocations.

    It is `configured` when it has $LATEST's configuration: Terraform changes that, and what it
    changes is served by the next version only.
    """

    version: str
    sha256: str  # hexadecimal, of the version's zip
    revision_id: str
    canary: tuple[str, float] | None = None
    configured: bool = True


@dataclass(frozen=True, slots=True)
class Deployed:
    """A function as it is on AWS. `live` is None before the first push of a function made by hand.

    `revision_id` is that of $LATEST, which a push changes first.
    """

    handler: str
    runtime: str
    architecture: str
    revision_id: str | None
    live: Live | None


@dataclass(frozen=True, slots=True)
class Push:
    """A function to change, and its state when the plan was made."""

    manifest: Manifest
    deployed: Deployed

    @property
    def name(self) -> str:
        return self.manifest.name


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, by functions' names; nothing may be done while there are problems."""

    pushes: tuple[Push, ...]
    unchanged: tuple[str, ...]
    left_out: tuple[str, ...]  # may not exist in the environment
    problems: tuple[str, ...]


def deployed_name(environment: str, name: str) -> str:
    """The name on AWS: `producers.log_event` in qa is `qa-producers-log_event`."""
    return f"{environment}-{name.replace('.', '-')}"


def is_allowed(manifest: Manifest, environment: str) -> bool:
    """Whether the function may exist there; what holds for sandbox holds for sandbox-ann."""
    kind = environment.partition("-")[0]
    return manifest.environments is None or kind in manifest.environments


def is_served(manifest: Manifest, deployed: Deployed) -> bool:
    """Whether the alias has the function's zip, with the configuration that Terraform gave it."""
    live = deployed.live
    return live is not None and live.sha256 == manifest.zip.sha256 and live.configured


def make_plan(
    manifests: Sequence[Manifest],
    deployed: Mapping[str, Deployed | None],
    environment: str,
    named: Collection[str] = (),
) -> Plan:
    """What to do so that `named`, or else every function that may exist, runs what is in dist/.

    `deployed` has an entry for each manifest: None for a function that AWS does not have.
    """
    problems = [
        f"{name} is not in dist/: it has {', '.join(manifest.name for manifest in manifests)}"
        for name in named
        if name not in {manifest.name for manifest in manifests}
    ]
    pushes, unchanged, left_out = [], [], []
    for manifest in manifests:
        if named and manifest.name not in named:
            continue
        if not is_allowed(manifest, environment):
            left_out.append(manifest.name)
            if named:
                allowed = ", ".join(manifest.environments or ())
                problems.append(
                    f"{manifest.name} must not exist in {environment}, but in {allowed}"
                )
            continue
        state = deployed[manifest.name]
        if state is None:
            problems.append(
                f"{deployed_name(environment, manifest.name)} does not exist: "
                "apply the infrastructure first, which makes functions"
            )
        elif is_served(manifest, state):
            unchanged.append(manifest.name)
        else:
            problems += _mismatches(manifest, state)
            pushes.append(Push(manifest, state))
    return Plan(tuple(pushes), tuple(unchanged), tuple(left_out), tuple(problems))


def _mismatches(manifest: Manifest, deployed: Deployed) -> list[str]:
    """What in the function's configuration the zip would not run with."""
    problems = [
        f"{manifest.name}: its {setting} on AWS is {there}, but the zip needs {here}: "
        "apply the infrastructure first"
        for setting, there, here in (
            ("handler", deployed.handler, manifest.handler),
            ("runtime", deployed.runtime, manifest.runtime),
            ("architecture", deployed.architecture, manifest.architecture),
        )
        if there != here
    ]
    if deployed.live is not None and deployed.live.canary is not None:
        version, weight = deployed.live.canary
        problems.append(
            f"{manifest.name}: version {version} already has {weight:.0%} of the invocations: "
            "another push is watching it, or was killed; then `rollback` ends it"
        )
    return problems


def streams_of(manifests: Sequence[Manifest], environment: str) -> list[str]:
    """The streams whose consumers keep connections to the database, without the prefix."""
    return sorted({trigger.stream for trigger in _database_consumers(manifests, environment)})


def connection_problems(
    manifests: Sequence[Manifest], environment: str, shards: Mapping[str, int], budget: int
) -> list[str]:
    """Whether shards x parallelization factor, of all consumers, is within the budget.

    Source: "Concurrency" in "Using Lambda to process records from Amazon Kinesis Data Streams":
    each shard has as many concurrent invocations as the factor says, and each keeps a connection.
    """
    terms = [
        (trigger, shards[trigger.stream]) for trigger in _database_consumers(manifests, environment)
    ]
    needed = sum(count * trigger.parallelization_factor for trigger, count in terms)
    if needed <= budget:
        return []
    sum_of = " + ".join(
        f"{count} shards of {trigger.stream} x {trigger.parallelization_factor}"
        for trigger, count in terms
    )
    return [
        f"The stream consumers would keep {needed} connections ({sum_of}), but the database has "
        f"{budget} for them: lower parallelization_factor, or give the database more"
    ]


def _database_consumers(manifests: Sequence[Manifest], environment: str) -> list[StreamTrigger]:
    return [
        manifest.trigger
        for manifest in manifests
        if isinstance(manifest.trigger, StreamTrigger)
        and manifest.permissions.database is not None
        and is_allowed(manifest, environment)
    ]
