"""Each page: from its address to its template and what that shows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import jinja2
from psycopg2 import extensions

from handlers.index import core, queries, views
from handlers.index.core import link
from shared.http_api import Refused

type Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """A template, and its values."""

    template: str
    values: Mapping[str, Any]


def prepare(environment: jinja2.Environment, script: str, deployed_in: str) -> jinja2.Environment:
    """The environment of the pages' templates: with their filters and constants."""
    for function in (
        views.ago,
        views.document,
        views.number,
        views.shortened,
        views.time,
        views.visible,
    ):
        environment.filters[function.__name__] = function
    environment.globals.update(script=script, redrive=f"{deployed_in}-consumers-redrive")
    return environment


def read(path: str, fields: Fields, now: datetime, cursor: extensions.cursor) -> Page:
    """The page at a path; raises Refused."""
    match path.strip("/").split("/"):
        case [""]:
            return _faults(fields, now, cursor)
        case ["errors", fingerprint]:
            return _fault(core.parse_fingerprint(fingerprint), fields, now, cursor)
        case ["logs"]:
            return _logs(fields, cursor)
        case ["quarantine"]:
            return _quarantine(fields, now, cursor)
        case ["pipeline"]:
            return _pipeline(now, cursor)
    raise Refused(HTTPStatus.NOT_FOUND, "There is no such page.")


def problem(text: str) -> Page:
    """The page that says why there is no other."""
    title = "That did not work"
    return Page("problem.html", {"section": "", "title": title, "problem": text})


def _faults(fields: Fields, now: datetime, cursor: extensions.cursor) -> Page:
    query = core.faults_query(fields, now)
    rows, sources = queries.faults(cursor, query)
    shown = rows[: core.FAULTS]
    for row in shown:
        row["bars"] = views.hours(row["hours"], query.moment)
    following = None
    if len(rows) > len(shown):
        last = shown[-1]
        place = core.joined(last["snapshot"], query.moment, last["last_seen"], last["fingerprint"])
        following = link("/", fields, after=place)
    return Page(
        "faults.html",
        {
            "section": "/",
            "fields": _Fields(fields),
            "now": now,
            "faults": shown,
            "periods": [(name, words) for name, (words, _) in core.PERIODS.items()],
            "services": _options(sources["services"]),
            "environments": _options(sources["environments"]),
            "first": link("/", fields, after=None) if query.after else None,
            "next": following,
        },
    )


def _fault(fingerprint: str, fields: Fields, now: datetime, cursor: extensions.cursor) -> Page:
    start = core.place(fields, "from")
    fault, rows = queries.fault(cursor, fingerprint, start, now)
    if not fault["count"]:
        raise Refused(HTTPStatus.NOT_FOUND, "There is no such error, or it is no longer kept.")
    path = f"/errors/{fingerprint}"
    for row in rows:
        row["link"] = link(path, {"from": core.joined(row["occurred_at"], row["event_id"])})
    event: dict[str, Any] | None = rows[0] if rows else None
    exceptions: list[views.ShownException] = []
    if event is not None:
        exceptions = views.exceptions(
            event["type"], event["message"], event["stack"], event["causes"]
        )
        event["attributes"] = [
            (name, views.shortened(value if isinstance(value, str) else _document(value)))
            for name, value in event["attributes"].items()
        ]
    return Page(
        "fault.html",
        {
            "section": "/",
            "fields": _Fields(fields),
            "now": now,
            "fault": fault,
            "bars": views.hours(fault["hours"], now),
            "event": event,
            "exceptions": exceptions,
            "events": rows[: core.EVENTS],
            "first": path if start else None,
            "next": rows[-1]["link"] if len(rows) > core.EVENTS else None,
        },
    )


def _logs(fields: Fields, cursor: extensions.cursor) -> Page:
    query = core.logs_query(fields)
    rows, sources = queries.logs(cursor, query)
    shown = rows[: core.LOGS]
    place, looked_back_to = None, None
    if len(rows) > len(shown):
        place = core.joined(shown[-1]["occurred_at"], shown[-1]["event_id"])
    elif sources["place"] is not None:
        looked_back_to = datetime.fromisoformat(sources["place"][0])
        place = core.joined(looked_back_to, sources["place"][1])
    return Page(
        "logs.html",
        {
            "section": "/logs",
            "fields": _Fields(fields),
            "logs": shown,
            "levels": [(level, level.title() + " and above") for level in core.LEVELS[1:]],
            "services": _options(sources["services"]),
            "until": f"{query.until:%Y-%m-%dT%H:%M:%S}" if query.until else "",
            "follow": link("/logs", fields, follow="on", after=None, until=None),
            "stop": link("/logs", fields, follow=None),
            "looked_at": queries.LOOKED_AT,
            "looked_back_to": looked_back_to,
            "first": link("/logs", fields, after=None) if query.after else None,
            "next": link("/logs", fields, after=place, follow=None) if place else None,
        },
    )


def _quarantine(fields: Fields, now: datetime, cursor: extensions.cursor) -> Page:
    after = core.entry_place(fields)
    rows = queries.quarantine(cursor, after)
    shown = rows[: core.ENTRIES]
    for row in shown:
        row["raw"] = views.raw(bytes(row["raw"]), row["size"])
        names = ("kind", "stream", "shard_id", "sequence_number", "event_index")
        row["payload"] = json.dumps({name: row[name] for name in names})
    following = None
    if len(rows) > len(shown):
        names = ("quarantined_at", "stream", "shard_id", "sequence_number", "event_index")
        following = link("/quarantine", {}, after=core.joined(*(shown[-1][n] for n in names)))
    return Page(
        "quarantine.html",
        {
            "section": "/quarantine",
            "now": now,
            "entries": shown,
            "first": "/quarantine" if after else None,
            "next": following,
        },
    )


def _pipeline(now: datetime, cursor: extensions.cursor) -> Page:
    minutes, state = queries.pipeline(cursor, now)
    kinds = []
    for kind in ("logs", "errors"):
        occurred_at, received_at = state[kind] or (None, None)
        bars = views.minutes(minutes, kind, now)
        delay = occurred_at and max(0.0, (received_at - occurred_at).total_seconds())
        kinds.append(
            {
                "name": kind.title(),
                "bars": bars,
                "last_minute": bars.values[-2],
                "newest": occurred_at,
                "delay": delay if delay is None else f"{delay:.1f}",
            }
        )
    quarantined = views.hours(state["quarantined"], now)
    return Page(
        "pipeline.html",
        {"section": "/pipeline", "now": now, "kinds": kinds, "quarantined": quarantined},
    )


def _options(values: list[str] | None) -> list[tuple[str, str]]:
    return [(value, value) for value in values or []]


def _document(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


class _Fields(dict[str, str]):
    """Fields of which those that are missing are empty, for templates."""

    def __missing__(self, name: str) -> str:
        return ""
