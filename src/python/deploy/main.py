"""The deployer: puts the zips in dist/ on AWS, or on the local cloud, and looks after them there.

    ./pants run //:deploy -- push --environment qa

It changes code and nothing else: what a function is made of around its code is the infrastructure's
(Terraform), which in turn leaves code and the alias `live` alone.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import webbrowser
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from deploy import command_line, environment, logs, smoke, status
from deploy.alarms import Alarms
from deploy.aws_errors import explained
from deploy.cost import estimate, table
from deploy.dist import load_manifests
from deploy.errors import DeployError
from deploy.functions import Functions
from deploy.plan import (
    ALIAS,
    Plan,
    connection_problems,
    deployed_name,
    is_allowed,
    make_plan,
    streams_of,
)
from deploy.push import Deployment
from deploy.rollback import Serving, of_last_push, previous
from deploy.traffic import Workload
from deploy.zip_checks import zip_problems
from local.errors import LocalCloudError
from local.manifest import publish, read_zip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import boto3
    from mypy_boto3_kinesis import KinesisClient

EVENTS = Path("events")
SMOKE_SECONDS = 120.0


class Program:
    """One run of a command."""

    def __init__(self, arguments: argparse.Namespace, console: Console) -> None:
        self._arguments = arguments
        self._console = console
        self._dist: Path = arguments.dist
        self._manifests = load_manifests(self._dist)
        self._environment: str = arguments.environment
        variables = environment.load(self._environment)
        self._session = environment.open_session(self._environment, variables)
        self._functions = Functions(self._session, self._environment)
        self._alarms = Alarms(self._session, self._environment)

    def push(self) -> None:
        """Shows the plan, asks, and carries it out."""
        names = [manifest.name for manifest in self._manifests]
        deployed = self._functions.read_all(names)
        named = self._arguments.functions
        plan = make_plan(self._manifests, deployed, self._environment, named)
        zips = {push.name: read_zip(push.manifest, self._dist) for push in plan.pushes}
        problems = [
            *plan.problems,
            *(wrong for p in plan.pushes for wrong in zip_problems(p.manifest, zips[p.name])),
            *(self._connection_problems() if plan.pushes else ()),
        ]
        self._show(plan)
        if problems:
            raise DeployError("\n".join([*problems, "Nothing was changed."]))
        if not plan.pushes:
            self._console.print("Nothing to do.")
            return
        self._confirm("Push")
        pushed = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        say = self._console.print
        deployment = Deployment(pushed, self._functions, self._alarms, zips, EVENTS, say)
        with _uploads(self._console) as progress:
            deployment.push(plan.pushes, progress, self._arguments.canary)

    def rollback(self) -> None:
        """Moves live of the functions, or of all that the last push changed, back."""
        names = self._arguments.functions or [m.name for m in self._manifests]
        serving = {
            name: Serving(state.live, self._functions.versions(name))
            for name, state in self._functions.read_all(names).items()
            if state is not None and state.live is not None
        }
        if missing := set(self._arguments.functions) - serving.keys():
            raise DeployError(f"{', '.join(sorted(missing))} was never pushed here")
        chosen = self._arguments.functions or of_last_push(serving)
        if not chosen:
            raise DeployError("Nothing that serves here was pushed: name the functions")
        targets = {name: _previous(name, serving[name]) for name in chosen}
        for name, version in targets.items():
            live = serving[name].live
            present = live.version if live.canary is None else live.canary[0]
            self._console.print(
                f"{name}: {ALIAS} goes back from version {present} to version {version}"
            )
        self._confirm("Roll back")
        for name, version in targets.items():
            self._functions.move(name, serving[name].live, version)
            self._console.print(f"{name}: {ALIAS} is version {version}")

    def status(self) -> None:
        """Prints the table of functions."""
        names = [m.name for m in self._manifests if is_allowed(m, self._environment)]
        deployed = self._functions.read_all(names)
        others = self._functions.others(names)
        self._console.print(
            status.status_table(self._manifests, deployed, others, self._environment),
            soft_wrap=False,
        )

    def invoke(self) -> None:
        """Prints what the function answers; raises DeployError when it fails."""
        name = self._arguments.function
        event = self._arguments.event or EVENTS / f"{name}.json"
        if not event.exists():
            raise DeployError(f"{event} is missing: write an event there, or name another file")
        answer = self._functions.invoke(name, event.read_bytes(), self._qualifier(name))
        self._console.print_json(data=answer.payload)
        if answer.error is not None:
            raise DeployError(f"{name} failed:\n{answer.log}")

    def logs(self) -> None:
        """Prints the log's lines as they come."""
        if self._environment == environment.LOCAL:
            follow = f"./pants run //:local -- --follow {self._arguments.function}"
            raise DeployError(
                f"The local cloud shows logs itself, and keeps them in .local: {follow}"
            )
        since = int((time.time() - self._arguments.since) * 1000)
        function = self._functions.deployed_name(self._arguments.function)
        sleep = None if self._arguments.no_follow else time.sleep
        for line in logs.follow(self._session, function, since, sleep):
            self._console.print(line, markup=False, highlight=False)

    def open(self) -> None:
        """Prints the address of the function's console page, and opens it on a desktop."""
        if self._environment == environment.LOCAL:
            raise DeployError("The local cloud is not in the AWS console: its terminal shows all")
        region = self._functions.region
        function = self._functions.deployed_name(self._arguments.function)
        url = f"https://{region}.console.aws.amazon.com/lambda/home?region={region}#/functions/{function}"
        self._console.print(url, highlight=False)
        if self._console.is_terminal:
            webbrowser.open(url)

    def smoke(self) -> None:
        """Sends test events and reads them back."""
        producers = smoke.producers_of(self._manifests, EVENTS)
        smoke.smoke(
            self._functions, producers, self._qualifier, EVENTS, SMOKE_SECONDS, self._console.print
        )

    def _qualifier(self, name: str) -> str:
        """What callers get: live, or in the local cloud, before a push, the code in dist/."""
        state = self._functions.read(name)
        if state is None:
            raise DeployError(f"{self._functions.deployed_name(name)} does not exist")
        return "$LATEST" if state.live is None else ALIAS

    def _connection_problems(self) -> Sequence[str]:
        if self._environment == environment.LOCAL:
            return ()
        budget = self._alarms.connection_budget()
        if budget is None:
            self._console.print("No alarm says how many connections the database has: not checked")
            return ()
        streams = streams_of(self._manifests, self._environment)
        shards = _open_shards(self._session, self._environment, streams)
        return connection_problems(self._manifests, self._environment, shards, budget)

    def _show(self, plan: Plan) -> None:
        for push in plan.pushes:
            live = push.deployed.live
            size = push.manifest.zip.size
            self._console.print(
                f"push      {deployed_name(self._environment, push.name)}: {size:,} bytes, "
                f"sha256 {push.manifest.zip.sha256[:12]}, "
                + ("the first version" if live is None else f"replaces version {live.version}"),
                highlight=False,
            )
        for name in plan.unchanged:
            self._console.print(f"same      {deployed_name(self._environment, name)}")
        for name in plan.left_out:
            self._console.print(f"left out  {name}: not in {self._environment}")

    def _confirm(self, verb: str) -> None:
        if self._arguments.yes:
            return
        if not sys.stdin.isatty():
            raise DeployError("Nothing was changed: there is nobody to ask; say --yes")
        if self._console.input(f"{verb}? \\[y/N] ").strip().lower() not in ("y", "yes"):
            raise DeployError("Nothing was changed.")


def _cost(arguments: argparse.Namespace, console: Console) -> None:
    """Prints what a month costs; what is not said on the command line is the workload's default."""
    names = ("events_per_second", "events_per_request", "event_bytes", "stream_mode")
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    try:
        console.print(
            table(estimate(load_manifests(arguments.dist), Workload(**given))), soft_wrap=False
        )
    except ValueError as error:
        raise DeployError(str(error)) from error


def _open_shards(
    session: boto3.Session, environment_name: str, streams: Sequence[str]
) -> Mapping[str, int]:
    with explained("to count the streams' shards"):
        client: KinesisClient = session.client("kinesis")
        return {
            stream: client.describe_stream_summary(StreamName=f"{environment_name}-{stream}")[
                "StreamDescriptionSummary"
            ]["OpenShardCount"]
            for stream in streams
        }


def _previous(name: str, serving: Serving) -> str:
    try:
        return previous(serving)
    except DeployError as error:
        raise DeployError(f"{name}: {error}") from None


@contextmanager
def _uploads(console: Console) -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as bars:

        def start(name: str) -> Callable[[int, int], None]:
            task = bars.add_task(name, total=None)

            def advance(sent: int, total: int) -> None:
                bars.update(task, completed=sent, total=total)

            return advance

        yield start


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns 0, or 1 after a sentence on what is wrong, or 130 when stopped."""
    arguments = command_line.parse(argv)
    if arguments.packaged is not None:
        publish(arguments.packaged, arguments.dist)
    # A job that is cancelled ends like a person's Ctrl-C, which brings a canary back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        console = Console(soft_wrap=True)
        if arguments.command == "cost":
            _cost(arguments, console)
        else:
            getattr(Program(arguments, console), arguments.command)()
    except (DeployError, LocalCloudError) as error:
        Console(stderr=True).print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
