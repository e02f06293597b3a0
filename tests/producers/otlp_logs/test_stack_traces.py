"""Stack traces as the languages' own runtimes write them."""

import json
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.otlp_logs.stack_traces import parse

NODE = """TypeError: Cannot read properties of undefined (reading 'id')
    at pay (/srv/shop/pay.js:5:11)
    at async Promise.all (index 0)
    at Object.<anonymous> (file:///srv/shop/main.mjs:12:3)
    at /srv/node_modules/express/lib/router.js:7:1
    at node:internal/main/run_main_module:23:47"""

JVM = """com.shop.PaymentException: can't pay
\tat com.shop.Payment.pay(Payment.java:12)
\tat java.base/java.lang.Thread.run(Thread.java:1583)
\tat com.shop.Native.call(Native Method)
Caused by: java.io.IOException: answer
can't be read
\tat com.shop.Bank.read(Bank.java:7)
\t... 2 more
Caused by: java.lang.NullPointerException
\tat com.shop.Bank.<init>(Bank.java:3)"""


def python_trace(chained: bool) -> str:
    try:
        try:
            json.loads("{")
        except ValueError as error:
            raise RuntimeError("bad\n  message") from (error if chained else None)
    except RuntimeError:
        return traceback.format_exc()
    raise AssertionError


def test_pythons_with_its_cause() -> None:
    parsed = parse(python_trace(chained=True))
    assert parsed is not None
    (frame,), (cause,) = parsed
    assert (frame["file"], frame["function"]) == (__file__, "python_trace")
    assert frame["line"] > 0
    assert frame["code"].startswith("raise RuntimeError")
    assert cause["type"] == "json.decoder.JSONDecodeError"
    assert cause["message"].startswith("Expecting property name")
    assert cause["stack"][0]["code"].startswith("json.loads")
    assert len(cause["stack"]) > 1


def test_pythons_without_a_cause() -> None:
    parsed = parse(python_trace(chained=False))
    assert parsed is not None
    assert (len(parsed[0]), parsed[1]) == (1, [])


def test_nodes_outermost_first() -> None:
    parsed = parse(NODE)
    assert parsed is not None
    frames, causes = parsed
    assert [(frame["function"], frame["line"], frame["in_application"]) for frame in frames] == [
        ("<anonymous>", 23, False),
        ("<anonymous>", 7, False),
        ("Object.<anonymous>", 12, True),
        ("pay", 5, True),
    ]
    assert frames[2]["file"] == "/srv/shop/main.mjs"
    assert causes == []


def test_the_jvms_with_its_causes() -> None:
    parsed = parse(JVM)
    assert parsed is not None
    frames, (read, null) = parsed
    assert [(frame["module"], frame["function"], frame["line"]) for frame in frames] == [
        ("com.shop.Native", "call", None),
        ("java.lang.Thread", "run", 1583),
        ("com.shop.Payment", "pay", 12),
    ]
    assert (read["type"], read["message"]) == ("java.io.IOException", "answer\ncan't be read")
    assert (null["type"], null["message"]) == ("java.lang.NullPointerException", "")
    assert null["stack"][0]["function"] == "<init>"


@pytest.mark.parametrize(
    "text", ["", "no stack", "goroutine 1 [running]:\nmain.main()\n\t/srv/main.go:7 +0x1d"]
)
def test_what_is_not_understood_is_none(text: str) -> None:
    assert parse(text) is None


lines = st.sampled_from([*NODE.split("\n"), *JVM.split("\n"), *python_trace(True).split("\n")])


@given(st.lists(lines | st.text()).map("\n".join))
def test_any_text_is_parsed_or_not(text: str) -> None:
    parsed = parse(text)
    assert parsed is None or all(frame["file"] for frame in parsed[0])
