"""Stands between clients and the local cloud, and knows what each client was told was accepted."""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import brotli  # type: ignore[import-untyped]
from aiohttp import web

# Every event of the clients is marked: <program>-<sdk>-<phase>-<number>!
MARK = re.compile(r"(?:python|node)-[a-z]+-[a-z]+-\d+!")

_DECODE: Mapping[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
}
_OF_THE_CONNECTION = {"host", "connection", "transfer-encoding", "content-length"}


class RecordingProxy:
    """Forwards to `upstream`, and answers 502 while nothing answers there."""

    def __init__(self) -> None:
        self.upstream = ""
        self.url = ""
        self.accepted: set[str] = set()
        self.statuses: Counter[int] = Counter()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["RecordingProxy"]:
        application = web.Application(client_max_size=2**24)
        application.router.add_post("/{path:.*}", self._forward)
        runner = web.AppRunner(application, access_log=None, auto_decompress=False)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            yield self
        await runner.cleanup()

    async def _forward(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            async with self._session.post(
                self.upstream + request.path_qs, data=body, headers=_headers(request.headers)
            ) as answer:
                content = await answer.read()
                status, headers = answer.status, _headers(answer.headers)
        except aiohttp.ClientError:
            status, headers, content = 502, {}, b""
        self.statuses[status] += 1
        if status == 200:
            decode = _DECODE[request.headers.get("Content-Encoding", "identity")]
            self.accepted |= set(MARK.findall(decode(body).decode("latin-1")))
        return web.Response(status=status, headers=headers, body=content)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name.lower() not in _OF_THE_CONNECTION
    }
