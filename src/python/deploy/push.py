"""Carries out a plan, in two steps between which nothing has changed for any caller.

1. Every zip is uploaded, published as a version, and the version checked with its test event.
2. Only when all are well does `live` move: at once, or first with a share of the invocations
   (a canary) while the error alarms are watched.

Whatever fails, at whatever moment, `live` of every function is left at, or brought back to, the
version that it had.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.alarms import Alarms
from deploy.errors import DeployError
from deploy.functions import AT_ONCE, Functions, Progress
from deploy.health import complaint
from deploy.plan import ALIAS, Live, Push

POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Canary:
    """The share of the invocations that a new version gets at first, and for how long."""

    weight: float  # between 0 and 1
    seconds: float


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, as far as a canary needs it."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


WALL_CLOCK = Clock(time.monotonic, time.sleep)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a push works with.

    `pushed` names the push, `zips` has the content for each function's name, and `said` takes lines
    to show.
    """

    pushed: str
    functions: Functions
    alarms: Alarms
    zips: Mapping[str, bytes]
    events: Path
    said: Callable[[str], None]

    def push(
        self,
        pushes: Sequence[Push],
        progress: Callable[[str], Progress],
        canary: Canary | None = None,
    ) -> None:
        """Makes what was planned live; raises DeployError, and then nothing has moved."""
        if canary is not None:
            self._require_quiet_alarms(pushes)
        versions = self._prepare(pushes, progress)
        moved: dict[str, Live] = {}
        try:
            if canary is not None:
                self._run_canary(pushes, versions, canary, moved)
            for push in pushes:
                live = moved.get(push.name, push.deployed.live)
                revision = self.functions.move(push.name, live, versions[push.name])
                if live is not None:
                    moved[push.name] = replace(live, revision_id=revision)
                self.said(f"{push.name}: {ALIAS} is version {versions[push.name]}")
        except BaseException:
            self._bring_back(moved)
            raise

    def _prepare(
        self, pushes: Sequence[Push], progress: Callable[[str], Progress]
    ) -> dict[str, str]:
        """The number of each function's new version, all of them checked."""

        def prepare(push: Push) -> str:
            content = self.zips[push.name]
            version = self.functions.upload(push, content, self.pushed, progress(push.name))
            self._check(push.name, version)
            return version

        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = {push.name: pool.submit(prepare, push) for push in pushes}
        versions, failures = {}, []
        for name, future in futures.items():
            try:
                versions[name] = future.result()
            except DeployError as error:
                failures.append(str(error))
        if failures:
            reasons = "\n".join(failures)
            raise DeployError(f"{reasons}\n{ALIAS} was not moved: all functions serve as before.")
        return versions

    def _check(self, name: str, version: str) -> None:
        event = self.events / f"{name}.json"
        if not event.exists():
            self.functions.dry_run(name, version)
            self.said(f"{name}: version {version} published; there is no {event} to check it with")
            return
        answer = self.functions.invoke(name, event.read_bytes(), version)
        wrong = complaint(answer)
        if wrong is not None:
            raise DeployError(
                f"{self.functions.deployed_name(name)}: version {version} failed its check with "
                f"{event}: {wrong}\n{answer.log}Mend it, package, and push again."
            )
        self.said(f"{name}: version {version} published, and checked with {event}")

    def _require_quiet_alarms(self, pushes: Sequence[Push]) -> None:
        for push in pushes:
            if push.deployed.live is None:
                raise DeployError(
                    f"{push.name} has no version yet for the rest of the invocations: "
                    "push it without --canary first"
                )
        if firing := self.alarms.firing([push.name for push in pushes]):
            raise DeployError(
                f"The error alarm of {', '.join(firing)} fires already: a canary could not be "
                "told from what serves now. Wait until it is quiet, or push without --canary."
            )

    def _run_canary(
        self,
        pushes: Sequence[Push],
        versions: Mapping[str, str],
        canary: Canary,
        moved: dict[str, Live],
    ) -> None:
        """Returns when the alarms were quiet for so long; keeps in `moved` what has changed."""
        names = [push.name for push in pushes]
        for push in pushes:
            live = push.deployed.live
            assert live is not None, "_require_quiet_alarms has seen to it"
            revision = self.functions.start_canary(
                push.name, live, versions[push.name], canary.weight
            )
            moved[push.name] = replace(live, revision_id=revision)
        self.said(f"{canary.weight:.0%} of the invocations go to the new versions")
        end = WALL_CLOCK.now() + canary.seconds
        while (left := end - WALL_CLOCK.now()) > 0:
            WALL_CLOCK.sleep(min(left, POLL_SECONDS))
            if firing := self.alarms.firing(names):
                raise DeployError(
                    f"The error alarm of {', '.join(firing)} fired: see `logs {firing[0]}`"
                )

    def _bring_back(self, moved: Mapping[str, Live]) -> None:
        """Gives all invocations back to the versions that had them; says what came of it."""
        for name, live in moved.items():
            try:
                self.functions.move(name, live, live.version)
                self.said(f"{name}: {ALIAS} is back at version {live.version}")
            except DeployError as error:
                self.said(f"{name}: {ALIAS} is not back at version {live.version}: {error}")
