"""A database behind TLS: whom a function talks to, and whom it refuses."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from psycopg2 import extensions

from shared import tls
from shared.database import Database
from shared.errors import Misconfiguration
from tests.faults.postgres_server import PostgresServer
from tests.faults.tls_front import TlsFront
from tests.faults.world import execution_environment
from tests.fixtures.documents import log, stored
from tests.fixtures.invocation import Context, kinesis_batch

HOST = "database.example"
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def front(
    postgres: PostgresServer, issuer: trustme.CA | None, name: str, patch: pytest.MonkeyPatch
) -> Iterator[TlsFront]:
    """A front with a certificate for that name, which libpq takes for HOST."""
    context = None
    if issuer is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert(name).configure_cert(context)
    with TlsFront(postgres.socket, context) as front:
        patch.setenv("PGHOST", HOST)
        patch.setenv("PGHOSTADDR", "127.0.0.1")
        patch.setenv("PGPORT", str(front.port))
        yield front


@pytest.fixture
def certificates(
    authority: trustme.CA,
    database: extensions.connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[pytest.MonkeyPatch]:
    """Has the region's authorities be the test's own, and lets the environment be changed."""
    with monkeypatch.context() as patch:
        patch.setattr(tls, "CERTIFICATES", str(tmp_path))
        patch.setenv("AWS_REGION", REGION)
        patch.delenv("PGSSLMODE", raising=False)
        patch.delenv("PGSSLROOTCERT", raising=False)
        authority.cert_pem.write_to_path(str(tmp_path / f"{REGION}.pem"))
        yield patch


def test_a_database_elsewhere_is_reached_through_tls_alone(
    certificates: pytest.MonkeyPatch,
    postgres: PostgresServer,
    authority: trustme.CA,
    database: extensions.connection,
) -> None:
    with front(postgres, authority, HOST, certificates) as reached:
        sink = execution_environment("consumers.log_sink").log_sink
        documents = [stored(log(message="m" * 50_000)) for _ in range(20)]
        assert sink(kinesis_batch(documents), Context()) == {"batchItemFailures": []}
        assert (reached.encrypted, reached.plain) == (1, 0)
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM logs")
        assert cursor.fetchone() == (20,)


@pytest.mark.parametrize(
    ("issuer", "name", "sentence"),
    [
        ("known", "other.example", f'"other.example" does not match host name "{HOST}"'),
        ("unknown", HOST, "certificate verify failed"),
        (None, HOST, "server does not support SSL, but SSL was required"),
    ],
)
def test_another_than_the_database_is_refused_with_one_sentence(
    certificates: pytest.MonkeyPatch,
    postgres: PostgresServer,
    authority: trustme.CA,
    issuer: str | None,
    name: str,
    sentence: str,
) -> None:
    issuers = {"known": authority, "unknown": trustme.CA(), None: None}
    with front(postgres, issuers[issuer], name, certificates) as reached:
        with pytest.raises(Misconfiguration, match=sentence) as raised:
            execution_environment("consumers.log_sink")
        assert reached.plain == 0
    assert str(raised.value).startswith("The database cannot be used: ")
    assert "\n" not in str(raised.value)


def test_the_authorities_can_be_named(
    certificates: pytest.MonkeyPatch,
    postgres: PostgresServer,
    authority: trustme.CA,
    tmp_path: Path,
) -> None:
    (tmp_path / f"{REGION}.pem").rename(tmp_path / "own.pem")
    certificates.setenv("PGSSLROOTCERT", str(tmp_path / "own.pem"))
    with front(postgres, authority, HOST, certificates) as reached:
        Database(os.environ).connect().close()
        assert reached.encrypted == 1
