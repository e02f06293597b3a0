from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.index import core
from shared.http_api import Refused

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
PLACE = "2026-07-01T12:00:00+00:00~01a20b6a-14cf-701a-a0b7-a57885b797cc"


def test_nothing_asks_for_the_last_day() -> None:
    query = core.faults_query({}, NOW)
    assert query.since == NOW - timedelta(hours=24)
    assert (query.service, query.environment, query.text, query.after) == (None, None, None, None)


def test_the_next_page_is_of_the_first_ones_moment() -> None:
    after = core.joined("10:12:11", NOW, NOW - timedelta(hours=1), "0123456789abcdef")
    query = core.faults_query({"after": after, "period": "7d"}, NOW + timedelta(hours=5))
    assert query.moment == NOW
    assert query.since == datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC) - timedelta(days=7)
    assert query.after is not None
    assert query.after.snapshot == "10:12:11"
    assert query.after.fingerprint == "0123456789abcdef"


def test_a_place_is_read_as_it_was_written() -> None:
    place = core.place({"from": PLACE}, "from")
    assert place == core.Place(NOW.replace(minute=0), UUID("01a20b6a-14cf-701a-a0b7-a57885b797cc"))
    assert core.joined(place.moment, place.event_id) == PLACE


@pytest.mark.parametrize(
    ("level", "levels"),
    [(None, core.LEVELS), ("INFO", core.LEVELS[1:]), ("CRITICAL", ("CRITICAL",))],
)
def test_a_level_asks_for_those_above_it(level: str | None, levels: tuple[str, ...]) -> None:
    assert core.logs_query({"level": level} if level else {}).levels == levels


def test_a_time_without_an_offset_is_utc() -> None:
    assert core.logs_query({"until": "2026-07-01T12:30"}).until == NOW
    assert core.logs_query({"until": "2026-07-01T14:30:00+02:00"}).until == NOW


@pytest.mark.parametrize(
    "fields",
    [
        {"period": "1y"},
        {"service": "s" * 201},
        {"text": "a\0b"},
        {"after": "1"},
        {"after": "10:12:~2026-07-01~2026-07-01~short"},
        {"after": "10:12:'~2026-07-01~2026-07-01~0123456789abcdef"},
        {"after": "10:12:~then~2026-07-01~0123456789abcdef"},
    ],
)
def test_what_no_link_holds_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        core.faults_query(fields, NOW)
    assert refused.value.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)


@given(
    st.dictionaries(
        st.sampled_from(["period", "service", "level", "until", "after", "text"]), st.text()
    )
)
def test_any_fields_are_taken_or_refused(fields: dict[str, str]) -> None:
    for parse in (
        lambda: core.faults_query(fields, NOW),
        lambda: core.logs_query(fields),
        lambda: core.entry_place(fields),
        lambda: core.place(fields, "after"),
    ):
        try:
            parse()
        except Refused as refused:
            assert (
                refused.status == HTTPStatus.BAD_REQUEST or refused.status == HTTPStatus.NOT_FOUND
            )


def test_a_link_leaves_out_what_is_empty() -> None:
    assert core.link("/logs", {"level": "ERROR", "text": "a&b"}, after="1~2") == (
        "/logs?level=ERROR&text=a%26b&after=1~2"
    )
    assert core.link("/logs", {"after": "x"}, after=None) == "/logs"
