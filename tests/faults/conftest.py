import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg2 import extensions

from tests.faults.database_proxy import DatabaseProxy
from tests.faults.kinesis_front import KinesisFront
from tests.faults.postgres_server import PostgresServer
from tests.faults.world import World
from tests.fixtures.http import KEY_SHA256
from tests.fixtures.kinesis import Streams, aws_environment, emulator, streams
from tests.fixtures.postgres import database, empty_database
from tests.fixtures.secret import secret

__all__ = ["aws_environment", "database", "empty_database", "emulator", "secret", "streams"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="postgres") as directory:
        postgres = PostgresServer(Path(directory))
        postgres.start()
        yield postgres
        postgres.stop("immediate")


@pytest.fixture(scope="session")
def server(postgres: PostgresServer) -> Iterator[None]:
    """Has libpq's environment variables name this server, whatever server other tests use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGHOST", str(postgres.directory))
        patch.setenv("PGPORT", "5432")
        patch.setenv("PGUSER", "postgres")
        yield


@pytest.fixture
def proxy(
    postgres: PostgresServer, database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DatabaseProxy]:
    """What stands between the functions and the database."""
    with DatabaseProxy(postgres.socket) as proxy, monkeypatch.context() as patch:
        patch.setenv("PGHOST", "127.0.0.1")
        patch.setenv("PGPORT", str(proxy.port))
        patch.setenv("PGSSLMODE", "disable")
        patch.setenv("PGGSSENCMODE", "disable")
        yield proxy


@pytest.fixture
def front(
    emulator: str, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KinesisFront]:
    """What stands between the producers and Kinesis."""
    with KinesisFront(emulator) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", front.url)
        yield front


@pytest.fixture
def world(
    front: KinesisFront,
    proxy: DatabaseProxy,
    streams: Streams,
    database: extensions.connection,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    monkeypatch.setenv("API_KEY_SHA256", KEY_SHA256)
    return World(streams, database)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--schedules", type=int, default=4, help="how many schedules of faults to run")
    parser.addoption("--packaged-schedules", type=int, default=1, help="the same, with the zips")
    parser.addoption("--first-seed", type=int, default=1, help="the seed of the first")
