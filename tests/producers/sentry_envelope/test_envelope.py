"""Envelopes as Sentry's documentation has them, and everything that only looks like one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.sentry_envelope.envelope import Header, InvalidEnvelope, Item, header, items

HEADER = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"https://key@host/1","other":1}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{}\n{"type":"event","length":2}\n{}\n', [Item("event", b"{}")]),
        (b'{}\n{"type":"event","length":2}\n{}', [Item("event", b"{}")]),
        (b'{}\n{"type":"event"}\n{}\n', [Item("event", b"{}")]),
        (b'{}\n{"type":"event"}\n{}', [Item("event", b"{}")]),
        (b'{}\n{"type":"attachment","length":3}\na\nb\n', [Item("attachment", b"a\nb")]),
        (b'{}\n{"type":"attachment","length":0}\n\n', [Item("attachment", b"")]),
        (b'{}\n{"type":"attachment","length":0}', [Item("attachment", b"")]),
        (b'{}\n{"type":"attachment"}', [Item("attachment", b"")]),
        (b'{}\n{"type":"a"}\n1\n\n{"type":"b"}\n2\n\n', [Item("a", b"1"), Item("b", b"2")]),
        (b"{}", []),
        (b"{}\n", []),
    ],
)
def test_items_end_by_their_length_or_at_the_end_of_the_line(
    body: bytes, expected: list[Item]
) -> None:
    assert items(body) == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{}\n{"type":"event","length":3}\n{}', "Item 0 ends before its length"),
        (b'{}\n{"type":"event","length":9}', "Item 0 ends before its length"),
        (b'{}\n{"type":"event","length":1}\n{}\n', "Item 0 goes on after its length"),
        (b'{}\n{"type":"event","length":-1}\n{}', "The headers of item 0 cannot be read"),
        (b'{}\n{"type":"event","length":1e99}\n{}', "The headers of item 0 cannot be read"),
        (b'{}\n{"type":1}\n{}', "The headers of item 0 cannot be read"),
        (b'{}\n{"length":2}\n{}', "The headers of item 0 cannot be read"),
        (b"{}\nnot JSON\n{}", "The headers of item 0 cannot be read"),
        (b'{}\n{"type":"a"}\n1\n\xff\n', "The headers of item 1 cannot be read"),
        (b"{}\n" + b"[" * 100_000, "The headers of item 0"),
    ],
)
def test_a_body_that_is_no_envelope_is_told_so(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidEnvelope, match=reason):
        items(body)


def test_headers_are_read_and_unknown_ones_ignored() -> None:
    expected = Header("9ec79c33ec9942ab8353589fcb2e04dc", "https://key@host/1")
    assert header(HEADER + b"\nwhat follows") == expected


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"not JSON", b'{"dsn":1}', b"\xff", b'{"a":' * 100_000]
)
def test_bad_headers_are_told_so(line: bytes) -> None:
    with pytest.raises(InvalidEnvelope, match="The envelope's headers"):
        header(line)


@given(st.lists(st.tuples(st.sampled_from(["event", "log", "unknown"]), st.binary())))
def test_what_is_put_in_comes_out(expected: list[tuple[str, bytes]]) -> None:
    body = b"{}\n" + b"".join(
        json.dumps({"type": type, "length": len(payload)}).encode() + b"\n" + payload + b"\n"
        for type, payload in expected
    )
    assert [(item.type, item.payload) for item in items(body)] == expected


@given(st.lists(st.sampled_from([*b'{}"\n1', *b'{"type":"a"}'])).map(bytes) | st.binary())
def test_any_body_has_items_or_a_reason(body: bytes) -> None:
    try:
        items(body)
    except InvalidEnvelope as error:
        assert str(error)
