"""The emulator of Kinesis and SQS: moto, as a program that prints its port and serves.

Its argument is the file that keeps the streams across restarts.
"""

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.kinesis.models import kinesis_backends
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import make_server

from local import account
from local.kinesis_shards import restore


def serve(journal_path: Path) -> None:
    journal = restore(kinesis_backends[account.ACCOUNT_ID][account.REGION], journal_path)
    services = {"Kinesis": create_backend_app("kinesis"), "AmazonSQS": create_backend_app("sqs")}
    one_request_at_a_time = threading.Lock()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """moto's own, in turns: its shards lose records when two requests put at once."""
        with one_request_at_a_time:
            service = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[0].partition("_")[0]
            moto = services.get(service, services["Kinesis"])
            answer: Iterable[bytes] = moto(environ, start_response)
            journal.flush()
            return answer

    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
