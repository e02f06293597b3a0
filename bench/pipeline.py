"""The whole pipeline on the local cloud: HTTP in to row committed."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from itertools import batched
from pathlib import Path
from urllib.parse import urlsplit

from psycopg2 import extensions

from bench import events, running_cloud
from bench.rows import Goal, Row, Say, alternate
from bench.running_cloud import LocalCloud
from bench.sink import copy_rate

EVENTS = 10_000
EVENTS_PER_REQUEST = 50
CLIENTS = 4
REPETITIONS = 5

# The first measurement (results/first/pipeline.json): events in a second, as a share of those that
# COPY wrote to a table without any key in the same run, so that other machines can be held to it.
FIRST_COMMIT = "f2e4592"
FIRST_SHARE_OF_COPY = 0.033

_FIRST = f"our own first measurement (commit {FIRST_COMMIT}: {FIRST_SHARE_OF_COPY} of COPY)"


def rows(functions: Path, say: Say) -> Iterator[Row]:
    """The pipeline against COPY of the same rows, and so against its own first measurement."""
    with running_cloud.running(functions) as cloud:
        connection = cloud.connect()
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE unkeyed (LIKE logs INCLUDING DEFAULTS)")
        say(f"Sending {EVENTS:,} events in {REPETITIONS} turns")
        samples = alternate(
            {
                "pipeline": lambda: _rate(cloud, connection),
                "COPY": lambda: copy_rate(connection, "unkeyed", EVENTS),
            },
            REPETITIONS,
        )
    what = f"HTTP in to row committed, {EVENTS_PER_REQUEST} events a request, {CLIENTS} clients"
    limit = "COPY of ready-made text into the table without key and indexes"
    yield Row(what, limit, "events/s", samples["pipeline"], samples["COPY"])
    first = [FIRST_SHARE_OF_COPY * rate for rate in samples["COPY"]]
    yield Row(what, _FIRST, "events/s", samples["pipeline"], first, Goal("least", 3.0))


def _rate(cloud: LocalCloud, connection: extensions.connection) -> float:
    """Events in a second from the first request to the last row that is committed."""
    parts = batched(events.log_events(EVENTS), EVENTS_PER_REQUEST, strict=False)
    bodies = [json.dumps(part).encode() for part in parts]
    with connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE logs")
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        shares = (bodies[client::CLIENTS] for client in range(CLIENTS))
        list(clients.map(partial(_post, cloud), shares))
    running_cloud.wait_until_stored(connection, EVENTS)
    return EVENTS / (time.perf_counter() - started)


def _post(cloud: LocalCloud, bodies: Sequence[bytes]) -> None:
    connection = HTTPConnection(urlsplit(cloud.url).netloc)
    headers = {"Content-Type": "application/json", "X-Api-Key": cloud.api_key}
    for body in bodies:
        connection.request("POST", "/logs", body, headers)
        response = connection.getresponse()
        response.read()
        assert response.status == 202
    connection.close()
