"""The emulator of Kinesis: moto, as a program of its own that prints its port and serves."""

import itertools
import threading
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.kinesis import models
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import make_server

_sequence_numbers = itertools.count(time.time_ns())
_one_request_at_a_time = threading.Lock()
_moto = create_backend_app("kinesis")


def put_record(shard: models.Shard, partition_key: str, data: str, explicit_hash_key: str) -> str:
    """moto counts each shard from 1, again after every start, and reads the whole shard to count.

    A sequence number must not come back: consumers key what they keep for good by it.
    """
    number = next(_sequence_numbers)
    shard.records[number] = models.Record(partition_key, data, number, explicit_hash_key)
    return str(number)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """moto's own application, in turns: its shards lose records when two requests put at once."""
    with _one_request_at_a_time:
        return _moto(environ, start_response)


if __name__ == "__main__":
    models.Shard.put_record = put_record  # type: ignore[assignment,method-assign]
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(server.port, flush=True)
    server.serve_forever()
