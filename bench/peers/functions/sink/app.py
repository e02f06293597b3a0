"""The sink as the peers have it: records to rows, one connection, opened on first use."""

import base64
from functools import cache
from typing import Any

import msgspec
import psycopg2
from psycopg2.extensions import connection


class ErrorEvent(msgspec.Struct):
    event_id: str
    occurred_at: str
    service: str
    environment: str
    type: str
    message: str
    attributes: dict[str, Any] = {}


INSERT = """
    INSERT INTO errors (event_id, occurred_at, service, environment, type, message, attributes)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
"""

decoder = msgspec.json.Decoder(ErrorEvent)


@cache
def connected() -> connection:
    """The connection to what libpq's environment variables name."""
    return psycopg2.connect("")


def handler(event: dict[str, Any], context: object) -> None:
    with connected() as session, session.cursor() as cursor:
        for record in event["Records"]:
            error = decoder.decode(base64.b64decode(record["kinesis"]["data"]))
            attributes = msgspec.json.encode(error.attributes).decode()
            cursor.execute(INSERT, (*msgspec.structs.astuple(error)[:6], attributes))
