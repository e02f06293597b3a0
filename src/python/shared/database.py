"""One connection to PostgreSQL, and what each of its failures means.

libpq reads the address and the credentials from its own environment variables, PGHOST and so on
("Environment Variables", chapter libpq of the PostgreSQL documentation).
"""

import enum
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from random import SystemRandom

import psycopg2
from psycopg2 import extensions
from psycopg2.extensions import make_dsn
from snapshot_restore_py import (  # type: ignore[import-untyped]
    register_after_restore,
    register_before_snapshot,
)

from shared import credentials, tls
from shared.errors import Misconfiguration, Unavailable

CONNECT_TIMEOUT = 2  # seconds, the least that libpq knows
# What an attempt leaves of the invocation's time, to answer in.
RESERVE_MILLISECONDS = 1000
ATTEMPT_MILLISECONDS = CONNECT_TIMEOUT * 1000 + RESERVE_MILLISECONDS
SHORTEST_TRANSACTION_MILLISECONDS = 2000
MAXIMUM_BACKOFF = 2.0  # seconds

_logger = logging.getLogger(__name__)
# Not what a snapshot would have all environments that are restored from it repeat.
_random = SystemRandom()


class Failure(enum.Enum):
    """What a database error calls for."""

    DATA = "the row is at fault: take it out"
    TRANSIENT = "nobody is at fault: try again"
    MISCONFIGURATION = "the deployment is at fault: say so"


# "PostgreSQL Error Codes", appendix A: the first two characters are the class. Anything that is in
# neither list is tried again: better a batch that waits than good rows taken for bad ones.
_DATA_CLASSES = {"22", "23", "54"}
_MISCONFIGURATION_CLASSES = {"3F", "42"}
_UNKNOWN_NAME = {"42703", "42P01"}
# Until a session exists libpq gives no code, only the server's message, after "FATAL:".
_TRANSIENT_REFUSAL = (
    "the database system is",
    "terminating connection",
    "too many",
    "connection slots",
    "accepting connections",
)
_UNUSABLE_TLS = ("certificate", "does not support SSL")


def classify(error: psycopg2.Error) -> Failure:
    """What kind of failure an error is, by its SQLSTATE or else by libpq's message."""
    if error.pgcode is None:
        message = str(error)
        refused = "FATAL:" in message and not any(text in message for text in _TRANSIENT_REFUSAL)
        if refused or any(text in message for text in _UNUSABLE_TLS):
            return Failure.MISCONFIGURATION
        return Failure.TRANSIENT
    if error.pgcode[:2] in _DATA_CLASSES:
        return Failure.DATA
    if error.pgcode[:2] in _MISCONFIGURATION_CLASSES:
        return Failure.MISCONFIGURATION
    return Failure.TRANSIENT


class Database:
    """A connection that is kept, and replaced when it fails.

    Made once, at init, when Lambda gives the function a whole processor: so it is opened there, or,
    when the database does not answer, on first use. With SnapStart it is closed before the snapshot
    and opened again in what is restored ("Implement code before or after Lambda function
    snapshots", Lambda developer guide). Raises Misconfiguration when an environment variable is
    missing and when the database will not have this function.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        user = "DATABASE_SECRET_ARN" if environment.get("DATABASE_SECRET_ARN") else "PGUSER"
        missing = [name for name in ("PGHOST", user, "PGDATABASE") if not environment.get(name)]
        if missing:
            raise Misconfiguration(f"{', '.join(missing)} must be set to reach the database")
        self._application_name = environment.get("AWS_LAMBDA_FUNCTION_NAME", "sluice")
        self._credentials = credentials.source(environment)
        self._tls = tls.parameters(environment)
        self._connection: extensions.connection | None = None
        self._connect_ahead()
        register_before_snapshot(self.close)
        register_after_restore(self._connect_ahead)

    def connect(self) -> extensions.connection:
        """The open connection, or a new one.

        Raises psycopg2.Error, and Misconfiguration or Unavailable when there are no credentials.
        """
        if self._connection is None:
            self._connection = psycopg2.connect(
                make_dsn(**self._credentials(), **self._tls),
                application_name=self._application_name,
                connect_timeout=CONNECT_TIMEOUT,
                # An environment that was frozen or killed must hold neither a transaction nor a
                # lock, and a peer that is gone must be noticed within an invocation.
                options="-c timezone=UTC -c idle_in_transaction_session_timeout=60s"
                " -c client_connection_check_interval=2s",
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
                tcp_user_timeout=10_000,  # milliseconds
            )
        return self._connection

    def _connect_ahead(self) -> None:
        try:
            self.connect()
        except psycopg2.Error as error:
            _raise_unless_transient(error)
        except Unavailable as error:
            _logger.warning("%s", error)

    def close(self) -> None:
        """Closes the connection; the next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def transaction[T](
        self, work: Callable[[extensions.cursor], T], remaining_milliseconds: Callable[[], int]
    ) -> T:
        """Runs work in one transaction and commits; after a transient failure, again.

        Work may run more than once, even after a commit whose answer was lost. Raises Unavailable
        when no time is left for another attempt, Misconfiguration, and psycopg2.Error for data.
        """
        ceiling = 0.05
        while remaining_milliseconds() > ATTEMPT_MILLISECONDS:
            try:
                connection = self.connect()
                timeout = transaction_timeout(remaining_milliseconds())
                with _cut_off(connection, timeout), connection, connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT set_config('statement_timeout', %s, true),"
                        " set_config('lock_timeout', %s, true)",
                        (str(timeout), str(timeout // 2)),
                    )
                    return work(cursor)
            except psycopg2.Error as error:
                if classify(error) is Failure.DATA:
                    raise
                self.close()
                _raise_unless_transient(error)
                time.sleep(_random.uniform(0, ceiling))
                ceiling = min(2 * ceiling, MAXIMUM_BACKOFF)
        raise Unavailable(
            "The database did not answer in the time that was left"
            f" (an attempt is made while there are {ATTEMPT_MILLISECONDS} ms)"
        )


def transaction_timeout(remaining: int) -> int:
    """Milliseconds that a transaction may take, of those that remain of the invocation.

    Half of them, so that a connection that has gone silent leaves as much for another.
    """
    usable = max(remaining - RESERVE_MILLISECONDS, 2)
    return max(usable // 2, min(usable, SHORTEST_TRANSACTION_MILLISECONDS))


@contextmanager
def _cut_off(connection: extensions.connection, milliseconds: int) -> Iterator[None]:
    """Shuts the connection's socket when the time is up, so that whoever waits on it goes on.

    A server's timeouts bound each statement, and do not help when the server or what is before it
    has gone silent.
    """
    with socket.socket(fileno=os.dup(connection.fileno())) as line:

        def shut() -> None:
            with suppress(OSError):  # it is shut already
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(milliseconds / 1000, shut)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _raise_unless_transient(error: psycopg2.Error) -> None:
    if classify(error) is not Failure.MISCONFIGURATION:
        _logger.warning("The database failed: %s", error.pgcode or type(error).__name__)
        return
    sentence = str(error).strip().splitlines()[0]
    if error.pgcode in _UNKNOWN_NAME:
        raise Misconfiguration(
            f"The schema is not the one expected (invoke consumers.migrate): {sentence}"
        ) from None
    raise Misconfiguration(f"The database cannot be used: {sentence}") from None
