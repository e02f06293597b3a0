import json

from bench.events import EVENTS_PER_RECORD, kinesis_event, log_events, records
from consumers.log_sink.core import groups
from shared.records import unpack


def test_records_hold_every_event_once_and_a_sink_takes_all() -> None:
    events = log_events(EVENTS_PER_RECORD + 1)
    data = records(events)
    assert len(data) == 2
    assert [json.loads(line) for record in data for line in unpack(record)] == events
    made = list(groups(kinesis_event(data)))
    assert sum(len(group.rows) for group in made) == len(events)
    assert not any(group.rejected for group in made)


def test_events_are_of_about_500_bytes() -> None:
    sizes = [len(json.dumps(event, separators=(",", ":"))) for event in log_events(1000)]
    assert 450 < sum(sizes) / len(sizes) < 550
