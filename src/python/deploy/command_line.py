"""The arguments of `./pants run //:deploy -- …`."""

import argparse
import re
from pathlib import Path

from deploy.push import Canary

UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """`30s`, `5m` or `1h`."""
    match = re.fullmatch(r"(\d+)([smh])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 30s, 5m or 1h")
    return int(match[1]) * UNITS[match[2]]


def share(text: str) -> float:
    """`10%` is 0.1."""
    match = re.fullmatch(r"(\d{1,2})%", text)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no share from 1% to 99%")
    return int(match[1]) / 100


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command and its arguments, as `command` and fields of its own."""
    parser = argparse.ArgumentParser(
        prog="./pants run //:deploy --", description="Puts the functions in dist/ on AWS."
    )
    parser.add_argument(
        "--dist", type=Path, default=Path("dist"), help="where the zips and manifests are"
    )
    parser.add_argument(
        "--packaged", type=Path, help="fresh zips and manifests to publish to dist first"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, description: str) -> argparse.ArgumentParser:
        result = commands.add_parser(name, help=description, description=description)
        result.add_argument(
            "--environment", required=True, help="local, or one that infra/environments has"
        )
        return result

    push = command("push", "make functions run what is in dist/")
    push.add_argument("functions", nargs="*", help="such as producers.log_event; all that differ")
    _add_yes(push)
    push.add_argument(
        "--canary", type=share, metavar="SHARE", help="what the new version gets at first: 10%%"
    )
    push.add_argument(
        "--for", type=seconds, metavar="DURATION", dest="duration", help="and for how long: 5m"
    )

    rollback = command("rollback", "move live back to the version before")
    rollback.add_argument("functions", nargs="*", help="those of the last push if none is named")
    _add_yes(rollback)

    command("status", "show what runs, and what differs from dist/")

    invoke = command("invoke", "invoke a function")
    invoke.add_argument("function", help="such as consumers.read_table")
    invoke.add_argument("event", nargs="?", type=Path, help="a JSON file; events/<function>.json")

    logs = command("logs", "show a function's log and follow it")
    logs.add_argument("function", help="such as consumers.log_sink")
    logs.add_argument(
        "--since", type=seconds, default=600, metavar="DURATION", help="from so long ago: 10m"
    )
    logs.add_argument("--no-follow", action="store_true", help="end at the log's present end")

    open_ = command("open", "open a function in the AWS console")
    open_.add_argument("function", help="such as consumers.log_sink")

    command("smoke", "send the producers' test events and read them back through read_table")

    description = "estimate a month's bill from the manifests"
    cost = commands.add_parser("cost", help=description, description=description)
    cost.add_argument("--events-per-second", type=float, required=True, help="on average")
    cost.add_argument("--events-per-request", type=float, help="that clients send together")
    cost.add_argument("--event-bytes", type=float, help="of an event as JSON")
    cost.add_argument(
        "--stream-mode", choices=["ON_DEMAND", "PROVISIONED"], help="how streams are billed"
    )

    parsed = parser.parse_args(arguments)
    if parsed.command == "push":
        if (parsed.canary is None) != (parsed.duration is None):
            push.error("--canary and --for go together: --canary 10% --for 5m")
        if parsed.canary is not None:
            parsed.canary = Canary(parsed.canary, parsed.duration)
    return parsed


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask: for scripts")
