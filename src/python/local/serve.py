"""The local cloud: runs the functions in dist/ until it is stopped."""

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from local import program
from local.cloud import running_cloud
from local.errors import LocalCloudError
from local.status import JsonStatus, ScreenStatus, Status


async def serve(dist: Path, state: Path, port: int, status: Status, follow: str | None) -> int:
    """Shows the running cloud until cancelled, or until a part fails that it can't do without."""
    async with running_cloud(dist, state, port, status.progress) as cloud:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(cloud.watch())
                group.create_task(status.show(cloud, follow))
        except* LocalCloudError as failures:
            raise failures.exceptions[0] from None
    return 0


def main() -> int:
    parser = program.argument_parser("Runs the functions in dist/ until it is stopped.")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 is any free one")
    parser.add_argument(
        "--state", type=Path, default=Path(".local"), help="what is kept; default: .local"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, an object per line")
    parser.add_argument("--follow", help="a function whose log is shown: consumers.log_sink")
    arguments = program.parse(parser)
    status: Status = JsonStatus() if arguments.json else ScreenStatus(Console())
    return program.run(
        serve(arguments.dist, arguments.state, arguments.port, status, arguments.follow),
        status_when_stopped=0,
    )


if __name__ == "__main__":
    sys.exit(main())
