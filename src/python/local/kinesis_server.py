"""The emulator of Kinesis and SQS: moto, as a program that prints its port and serves.

Its argument is the file that keeps the streams across restarts.
"""

import sys
import threading
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.kinesis.models import kinesis_backends
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from local import account, kinesis_records
from local.kinesis_shards import restore

JSON = "application/x-amz-json-1.1"


class KeepAlive(WSGIRequestHandler):
    """Keeps connections for further requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # else an answer's end would wait for the client's acknowledgement
    )


def serve(journal_path: Path) -> None:
    backend = kinesis_backends[account.ACCOUNT_ID][account.REGION]
    journal = restore(backend, journal_path)
    services = {"Kinesis": create_backend_app("kinesis"), "AmazonSQS": create_backend_app("sqs")}
    one_request_at_a_time = threading.Lock()

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """moto's own, in turns: its shards lose records when two requests put at once."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        # moto keeps streams by the region that a request is signed for.
        ours = f"/{account.REGION}/kinesis/" in environ.get("HTTP_AUTHORIZATION", "")
        with one_request_at_a_time:
            answer = kinesis_records.answer(backend, target, body) if ours else None
            answering: WSGIApplication = Response(answer, content_type=JSON)
            if answer is None:
                service = target.partition(".")[0].partition("_")[0]
                answering = services.get(service, services["Kinesis"])
            answered = answering(environ, start_response)
            journal.flush()
            return answered

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=KeepAlive)
    print(server.port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
