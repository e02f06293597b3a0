"""A database behind TLS: whom a function talks to, and whom it refuses."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg2 import extensions
from werkzeug.serving import make_ssl_devcert

from shared import tls
from shared.database import Database
from shared.errors import Misconfiguration
from tests.faults.postgres_server import PostgresServer
from tests.faults.tls_front import TlsFront
from tests.faults.world import execution_environment
from tests.fixtures.documents import log, stored
from tests.fixtures.invocation import Context, kinesis_batch

HOST = "database.example"
OTHER = "other.example"
REGION = "eu-central-1"


@contextmanager
def front(
    postgres: PostgresServer, certificate: tuple[str, str] | None, patch: pytest.MonkeyPatch
) -> Iterator[TlsFront]:
    """A front with that certificate and key, which libpq takes for HOST."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    with TlsFront(postgres.socket, context) as front:
        patch.setenv("PGHOST", HOST)
        patch.setenv("PGHOSTADDR", "127.0.0.1")
        patch.setenv("PGPORT", str(front.port))
        yield front


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Certificates for HOST and for another, each signed by itself."""
    directory = tmp_path_factory.mktemp("known")
    return {name: make_ssl_devcert(str(directory / name), cn=name) for name in (HOST, OTHER)}


@pytest.fixture
def environment(
    known: dict[str, tuple[str, str]],
    database: extensions.connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[pytest.MonkeyPatch]:
    """Has the region's authorities be those of the known, and can be changed."""
    with monkeypatch.context() as patch:
        patch.setattr(tls, "CERTIFICATES", str(tmp_path))
        patch.setenv("AWS_REGION", REGION)
        patch.delenv("PGSSLMODE", raising=False)
        patch.delenv("PGSSLROOTCERT", raising=False)
        authorities = "".join(Path(certificate).read_text() for certificate, _ in known.values())
        (tmp_path / f"{REGION}.pem").write_text(authorities)
        yield patch


def test_a_database_elsewhere_is_reached_through_tls_alone(
    environment: pytest.MonkeyPatch,
    postgres: PostgresServer,
    known: dict[str, tuple[str, str]],
    database: extensions.connection,
) -> None:
    with front(postgres, known[HOST], environment) as reached:
        sink = execution_environment("consumers.log_sink").log_sink
        documents = [stored(log(message="m" * 50_000)) for _ in range(20)]
        assert sink(kinesis_batch(documents), Context()) == {"batchItemFailures": []}
        assert (reached.encrypted, reached.plain) == (1, 0)
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM logs")
        assert cursor.fetchone() == (20,)


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        ("of another name", f'"{OTHER}" .*does not match host name "{HOST}"'),
        ("unknown", "certificate verify failed"),
        ("without TLS", "server does not support SSL, but SSL was required"),
    ],
)
def test_another_than_the_database_is_refused_with_one_sentence(
    environment: pytest.MonkeyPatch,
    postgres: PostgresServer,
    known: dict[str, tuple[str, str]],
    tmp_path: Path,
    server: str,
    sentence: str,
) -> None:
    certificates = {
        "of another name": known[OTHER],
        "unknown": make_ssl_devcert(str(tmp_path / "unknown"), cn=HOST),
        "without TLS": None,
    }
    with front(postgres, certificates[server], environment) as reached:
        sink = execution_environment("consumers.log_sink").log_sink
        with pytest.raises(Misconfiguration, match=sentence) as raised:
            sink(kinesis_batch([stored(log())]), Context())
        assert reached.plain == 0
    assert str(raised.value).startswith("The database cannot be used: ")
    assert "\n" not in str(raised.value)


def test_the_authorities_can_be_named(
    environment: pytest.MonkeyPatch,
    postgres: PostgresServer,
    known: dict[str, tuple[str, str]],
    tmp_path: Path,
) -> None:
    (tmp_path / f"{REGION}.pem").rename(tmp_path / "own.pem")
    environment.setenv("PGSSLROOTCERT", str(tmp_path / "own.pem"))
    with front(postgres, known[HOST], environment) as reached:
        Database(os.environ).connect().close()
        assert reached.encrypted == 1
