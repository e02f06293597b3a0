"""The emulator of Kinesis and SQS: moto, as a program that prints its port and serves.

Its argument is the file that keeps the streams across restarts. It is one thread, which answers a
request before it reads the next: moto's shards lose records when two requests put at once.
"""

import asyncio
import sys
from pathlib import Path

from aiohttp import web
from moto.kinesis.models import kinesis_backends
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.test import Client

from local import account, kinesis_records
from local.kinesis_shards import restore

JSON = "application/x-amz-json-1.1"


async def serve(journal_path: Path) -> None:
    backend = kinesis_backends[account.ACCOUNT_ID][account.REGION]
    journal = restore(backend, journal_path)
    services = {name: Client(create_backend_app(name)) for name in ("kinesis", "sqs")}

    def answer(request: web.Request, body: bytes) -> web.Response:
        target = request.headers.get("X-Amz-Target", "")
        # moto keeps streams by the region that a request is signed for.
        if f"/{account.REGION}/kinesis/" in request.headers.get("Authorization", ""):
            content = kinesis_records.answer(backend, target, body)
            if content is not None:
                return web.Response(body=content, content_type=JSON)
        service = services["sqs" if target.startswith("AmazonSQS.") else "kinesis"]
        answered = service.open(
            request.path_qs, method=request.method, headers=[*request.headers.items()], data=body
        )
        return web.Response(
            status=answered.status_code, headers=[*answered.headers], body=answered.data
        )

    async def handle(request: web.Request) -> web.Response:
        response = answer(request, await request.read())
        journal.flush()
        return response

    application = web.Application(client_max_size=0)  # what is too large moto refuses, as AWS does
    application.router.add_route("*", "/{_:.*}", handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
