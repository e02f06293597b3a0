"""What the pages' queries read where events are as old as they are kept: no table of
events as a whole, and little more of it than they show.

100,000 errors and as many log records, unless the environment variable ROWS says another number.
What each page reads is in the output, for docs/pages.md.
"""

import importlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from psycopg2 import extensions
from psycopg2.extras import RealDictCursor

from consumers.merge_error_counts import core as merge_core
from consumers.retention.core import KEPT
from handlers.index import core, queries
from tests.fixtures.invocation import Context

type Plan = dict[str, Any]

ROWS = int(os.environ.get("ROWS", "100000"))
FAULTS = 200
# The end of a day, so that no partition is so small that the planner rightly ignores its indexes.
NOW = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(seconds=1)
# Of events, a search aside: what a page shows, a row or service of each partition, half an hour.
MOST_EVENTS = max(1000, ROWS // 500)
FAULT = f"{7:016x}"

# Keys have the time of their event, as producers make them.
_FILL = """
    CREATE TEMPORARY TABLE filling AS
    SELECT number, occurred_at, 'service-' || number %% 12 AS service,
        overlay(first_event_id(occurred_at)::text PLACING lpad(to_hex(number), 12, '0')
            FROM 25)::uuid AS event_id
    FROM generate_series(1, %(rows)s) AS number,
        LATERAL (SELECT %(now)s - (number - 1) * %(kept)s / %(rows)s AS occurred_at) AS time
"""
_EVENTS = {
    "errors": """
        INSERT INTO errors (event_id, occurred_at, service, environment, fingerprint, type, message,
            stack, causes, attributes)
        SELECT event_id, occurred_at, service, 'prod', lpad(to_hex(number %% 200), 16, '0'),
            'ValueError', 'message ' || number, '[]', '[]', '{}' FROM filling
    """,
    "logs": """
        INSERT INTO logs (event_id, occurred_at, service, environment, level, message, attributes)
        SELECT event_id, occurred_at, service, 'prod',
            CASE WHEN number %% 50 = 0 THEN 'ERROR' ELSE 'INFO' END, 'message ' || number, '{}'
        FROM filling
    """,
}
_QUARANTINE = """
    INSERT INTO quarantine (stream, shard_id, sequence_number, event_index, kind, reason, raw,
        quarantined_at)
    SELECT 'errors', '0', event_id::text, 0, 'errors', 'why', 'x', occurred_at FROM logs
    WHERE level = 'ERROR'
"""
# The planner may go through the counts as a whole where much of them is asked for: a row for each
# fault, service and day, however many errors there are.
LONG = ("7d", "30d", "90d")
PAGES: dict[str, Callable[[extensions.cursor], object]] = {
    "/": lambda cursor: queries.faults(cursor, core.faults_query({}, NOW)),
    **{
        f"/?period={period}": lambda cursor, period=period: queries.faults(  # type: ignore[misc]
            cursor, core.faults_query({"period": period}, NOW)
        )
        for period in LONG
    },
    "/errors/<fingerprint>": lambda cursor: queries.fault(cursor, FAULT, None, NOW),
    "/logs": lambda cursor: queries.logs(cursor, core.logs_query({})),
    "/logs?service=service-3": lambda cursor: queries.logs(
        cursor, core.logs_query({"service": "service-3"})
    ),
    "/logs?level=ERROR&service=service-3&text=999": lambda cursor: queries.logs(
        cursor, core.logs_query({"level": "ERROR", "service": "service-3", "text": "999"})
    ),
    "/quarantine": lambda cursor: queries.quarantine(cursor, None),
    "/pipeline": lambda cursor: queries.pipeline(cursor, NOW),
}


class ExplainedCursor(RealDictCursor):
    """Keeps the plan of each statement, as it was run."""

    plans: ClassVar[list[Plan]] = []

    def execute(self, query: Any, vars: Any = None) -> None:
        super().execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + self.mogrify(query, vars))
        ((plans,),) = [row.values() for row in self.fetchall()]
        self.plans.extend(plan["Plan"] for plan in plans)
        super().execute(query, vars)


def scans(plan: Plan) -> Iterator[Plan]:
    """The nodes of a plan that read a table or an index and found a row."""
    if "Relation Name" in plan and rows_read(plan):
        yield plan
    for child in plan.get("Plans", []):
        yield from scans(child)


def rows_read(scan: Plan) -> float:
    passed_over = scan.get("Rows Removed by Filter", 0)
    return float((scan["Actual Rows"] + passed_over) * scan["Actual Loops"])


def fill(database: extensions.connection) -> None:
    """Makes the events, merges their counts and renews the planner's statistics."""
    with database.cursor() as cursor:
        for table, kept in KEPT.items():
            for day in range(kept.days + 1):
                cursor.execute("SELECT add_partition(%s, %s)", (table, NOW.date() - timedelta(day)))
            cursor.execute(_FILL, {"now": NOW, "rows": ROWS, "kept": kept})
            cursor.execute(_EVENTS[table] + "; DROP TABLE filling", ())
        cursor.execute(_QUARANTINE)
    importlib.import_module("consumers.merge_error_counts.handler").merge_error_counts(
        {}, Context()
    )
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def test_no_page_reads_a_table_as_a_whole(
    database: extensions.connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_core, "UNMERGED", timedelta(0))
    monkeypatch.setattr(queries, "RealDictCursor", ExplainedCursor)
    fill(database)
    for page, run in PAGES.items():
        ExplainedCursor.plans.clear()
        with database.cursor() as cursor:
            run(cursor)
        found = [scan for plan in ExplainedCursor.plans for scan in scans(plan)]
        read: Counter[str] = Counter()
        events = 0.0
        for scan in found:
            table, kind = scan["Relation Name"], scan["Node Type"]
            if not (page.endswith(LONG) and table == "error_counts"):
                assert kind != "Seq Scan", f"{page} reads {table} as a whole"
            if table != "error_counts":
                events += rows_read(scan)
            condition = scan.get("Index Cond", scan.get("Recheck Cond", "in order"))
            read[f"{kind} of {table.partition('_2')[0]}, {condition}"] += round(rows_read(scan))
        print(page, *(f"{rows:9,.0f} rows: {name}" for name, rows in read.items()), sep="\n")
        assert found, f"{page} reads nothing"
        most = 2 * queries.LOOKED_AT if "text=" in page else MOST_EVENTS
        assert events <= most, f"{page} reads {events:,.0f} rows of events"
