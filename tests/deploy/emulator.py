"""An AWS account on this machine, to run the pipeline against: `./pants run tests/deploy:emulator`.

It is moto's server, which takes infrastructure and deployments but runs no function without Docker.
So invocations go on to the local cloud: qa-producers-log_event is answered by
local-producers-log_event, the same zip, with the local cloud's streams and database behind it.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

import boto3
from moto.awslambda.models import LambdaBackend
from moto.server import ThreadedMotoServer

from local import program
from local.account import lambda_client
from local.cloud import running_cloud


def send_invocations_to(cloud_url: str) -> None:
    """Has moto's Lambda answer with what the local cloud's functions answer."""
    client = lambda_client(cloud_url)

    def invoke(
        self: LambdaBackend,
        function_name: str,
        qualifier: str | None,
        body: bytes | str,
        headers: object,
        response_headers: MutableMapping[str, str],
    ) -> bytes:
        function = f"local-{function_name.partition('-')[2]}"
        answer = client.invoke(FunctionName=function, Payload=body or b"{}", LogType="Tail")
        response_headers["x-amz-log-result"] = answer["LogResult"]
        if "FunctionError" in answer:
            response_headers["x-amz-function-error"] = answer["FunctionError"]
        return answer["Payload"].read()

    LambdaBackend.invoke = invoke  # type: ignore[method-assign]


async def emulate(dist: Path, state: Path, port: int, bucket: str) -> int:
    """Runs until it is stopped; the bucket is for Terraform's state."""

    def progress(what: str, seconds: float) -> None:
        print(f"{what} in {seconds:.2f} s", flush=True)

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request
    async with running_cloud(dist, state, 0, progress) as cloud:
        send_invocations_to(cloud.url)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        server.start()
        session = boto3.Session("any", "any", region_name="us-east-1")
        url = f"http://127.0.0.1:{port}"
        await asyncio.to_thread(session.client("s3", endpoint_url=url).create_bucket, Bucket=bucket)
        print(f"AWS_ENDPOINT_URL={url}", flush=True)
        try:
            await cloud.watch()
        finally:
            server.stop()
    return 0


def main() -> int:
    parser = program.argument_parser("Plays an AWS account until it is stopped.")
    parser.add_argument("--port", type=int, default=5000, help="default: 5000")
    parser.add_argument("--bucket", default="terraform-state", help="default: terraform-state")
    arguments = program.parse(parser)
    with tempfile.TemporaryDirectory() as state:
        return program.run(
            emulate(arguments.dist, Path(state), arguments.port, arguments.bucket),
            status_when_stopped=0,
        )


if __name__ == "__main__":
    sys.exit(main())
