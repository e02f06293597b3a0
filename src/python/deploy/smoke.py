"""The smoke test: what goes in at the producers comes out of read_table.

It sends each producer's test event without its event_id, so that the producer gives it a new one:
what is read back can only be what was sent.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.errors import DeployError
from deploy.functions import Functions
from local.manifest import HttpTrigger, Manifest

READ_TABLE = "consumers.read_table"
POLL_SECONDS = 2.0
CLOCK_SKEW = timedelta(minutes=5)  # between this machine and AWS


def producers_of(manifests: Sequence[Manifest], events: Path) -> dict[str, str]:
    """The producers that take events by invocation, each with the table that they end up in.

    Their test event is an event; that of others is an HTTP request, which would need a key.
    """
    return {
        manifest.name: manifest.permissions.writes_to[0]
        for manifest in manifests
        if isinstance(manifest.trigger, HttpTrigger)
        and manifest.permissions.writes_to
        and "service" in _event(manifest.name, events)
    }


def smoke(
    functions: Functions,
    producers: Mapping[str, str],
    qualifiers: Callable[[str], str],
    events: Path,
    within: float,
    said: Callable[[str], None],
) -> None:
    """Sends an event through each producer and waits for it, `within` seconds in all.

    Raises DeployError that names what did not come out.
    """
    start = time.monotonic()
    waiting = {name: _send(functions, name, qualifiers(name), events) for name in producers}
    while waiting:
        for name, sent in list(waiting.items()):
            if _is_stored(functions, producers[name], sent, qualifiers(READ_TABLE)):
                del waiting[name]
                seconds = time.monotonic() - start
                said(f"{name}: read back from {producers[name]} after {seconds:.1f} s")
        if waiting and time.monotonic() > start + within:
            raise DeployError(
                f"What {' and '.join(waiting)} accepted was not in read_table's answer within "
                f"{within:.0f} s: see `logs` of the consumers, and the alarms"
            )
        if waiting:
            time.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class _Sent:
    event_id: str
    service: str
    at: datetime


def _event(name: str, events: Path) -> dict[str, Any]:
    path = events / f"{name}.json"
    event: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
    return event


def _send(functions: Functions, name: str, qualifier: str, events: Path) -> _Sent:
    event = _event(name, events)
    event = {key: event[key] for key in event.keys() - {"event_id", "occurred_at"}}
    at = datetime.now(UTC)
    answer = functions.invoke(name, json.dumps(event).encode(), qualifier)
    accepted = answer.payload.get("accepted") if isinstance(answer.payload, dict) else None
    if answer.error is not None or not accepted:
        raise DeployError(f"{name} did not accept its test event: {answer.payload}\n{answer.log}")
    return _Sent(accepted[0]["event_id"], event["service"], at)


def _is_stored(functions: Functions, table: str, sent: _Sent, qualifier: str) -> bool:
    since = (sent.at - CLOCK_SKEW).isoformat()
    query = {"table": table, "service": sent.service, "since": since}
    answer = functions.invoke(READ_TABLE, json.dumps(query).encode(), qualifier)
    if answer.error is not None:
        raise DeployError(f"{READ_TABLE} failed: {answer.payload}\n{answer.log}")
    return sent.event_id in [row["event_id"] for row in answer.payload["rows"]]
