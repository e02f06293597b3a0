"""What the programs have in common: arguments, how a signal ends them, the clear sentence."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from local.errors import LocalCloudError
from local.manifest import publish


def argument_parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--dist", type=Path, default=Path("dist"), help="where the zips and manifests are"
    )
    parser.add_argument(
        "--packaged", type=Path, help="fresh zips and manifests to publish to dist first"
    )
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The program's arguments, once what was packaged is in dist.

    Without any function there, the program ends with one sentence.
    """
    arguments = parser.parse_args()
    if arguments.packaged is not None:
        publish(arguments.packaged, arguments.dist)
    if not any(arguments.dist.glob("*.json")):
        sys.exit(f"There is no function in {arguments.dist}: run `./pants package ::` first.")
    return arguments


def run(main: Coroutine[Any, Any, int], *, status_when_stopped: int) -> int:
    """Runs `main` to its end, or to the first SIGINT or SIGTERM; returns the exit status."""
    try:
        return asyncio.run(_until_signal(main))
    except asyncio.CancelledError:
        return status_when_stopped
    except LocalCloudError as error:
        print(error, file=sys.stderr)
        return 1


async def _until_signal(main: Coroutine[Any, Any, int]) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(main)

    def stop() -> None:
        # Once: a terminal and the program that started us may both send the signal.
        for stop_signal in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(stop_signal)
            signal.signal(stop_signal, signal.SIG_IGN)
        task.cancel()

    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop_signal, stop)
    return await task
