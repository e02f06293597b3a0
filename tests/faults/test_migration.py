"""Migrations that are applied while sinks write."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest

from tests.faults.world import execution_environment
from tests.fixtures.documents import log, stored
from tests.fixtures.invocation import Context, kinesis_batch

SINKS = 3


def test_each_migration_is_safe_while_sinks_write(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate = execution_environment("consumers.migrate")
    files = sorted(migrate._MIGRATIONS.glob("0*.sql"))  # post-apply.sql is no migration
    monkeypatch.setattr(migrate, "_MIGRATIONS", tmp_path)
    finished = threading.Event()

    def write() -> list[str]:
        sink = execution_environment("consumers.log_sink").log_sink
        written: list[str] = []
        while not finished.is_set():
            documents = [stored(log(), event_id=str(uuid4())) for _ in range(50)]
            assert sink(kinesis_batch(documents), Context()) == {"batchItemFailures": []}
            written += [json.loads(document)["event_id"] for document in documents]
        return written

    def apply(file: Path) -> Any:
        (tmp_path / file.name).write_bytes(file.read_bytes())
        return migrate.migrate({}, Context())["applied"]

    first, *others = files
    assert apply(first) == [first.stem]
    with ThreadPoolExecutor() as pool:
        sinks = [pool.submit(write) for _ in range(SINKS)]
        try:
            for file in others:
                assert apply(file) == [file.stem]
        finally:
            finished.set()
        written = {event_id for sink in sinks for event_id in sink.result()}
    connection = psycopg2.connect("")
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT event_id::text FROM logs")
        assert written
        assert sorted(written) == sorted(event_id for (event_id,) in cursor.fetchall())
        cursor.execute("SELECT count(*) FROM quarantine")
        assert cursor.fetchone() == (0,)
    connection.close()
