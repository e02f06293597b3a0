"""The pages as people use them: the zips in the local cloud, in front of a real browser."""

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.end_to_end.browser import Visitor, running_browser, running_site
from tests.fixtures.invocation import kinesis_record

SEQUENCE_NUMBERS = itertools.count()

STACK = [
    {"file": "/usr/lib/python3.13/runpy.py", "function": "run_module", "line": 1},
    {"file": "/srv/shop/orders.py", "function": "place_order", "line": 88, "code": "pay(basket)"},
    {"file": "/venv/lib/python3.13/site-packages/bank.py", "function": "transfer", "line": 7},
]
ERROR = {"type": "BankError", "message": "declined 4711", "stack": STACK}
CAUSE = {"type": "TimeoutError", "message": "no answer", "stack": STACK[-1:]}

# Each would do something, or would be an element, if it were not escaped where it is shown.
INJECTIONS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
INJECTED = (
    "return [...document.querySelectorAll('*')].filter(e => e.matches('script:not([src]),"
    ' iframe, object, embed, base, img:not([src^="/assets/"]), [href^="javascript:"]\')'
    " || e.getAttributeNames().some(n => n.startsWith('on') || n === 'style'))"
    ".map(e => e.outerHTML)"
)


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    profile = tmp_path_factory.mktemp("browser")
    state = tmp_path_factory.mktemp("state")
    with running_browser(profile) as chrome, running_site(state) as site:
        yield Visitor(chrome, site)


def test_a_person_finds_an_error_that_was_sent_a_moment_before(visitor: Visitor) -> None:
    visitor.go("/?period=7d")
    visitor.log_in("wrong")
    assert "The name or the password is wrong." in visitor.text
    visitor.log_in()
    assert visitor.chrome.current_url.endswith("/?period=7d")

    visitor.site.send("/errors", {**ERROR, "causes": [CAUSE], "attributes": {"basket": 815}})
    visitor.reload_until("/", "declined 4711")
    visitor.press("BankError")
    assert "place_order /srv/shop/orders.py:88" in visitor.text
    assert "pay(basket)" in visitor.text
    assert "Caused by TimeoutError" in visitor.text
    assert "815" in visitor.text
    assert "site-packages/bank.py" not in visitor.text
    visitor.find(".stack summary").click()
    assert "transfer /venv/lib/python3.13/site-packages/bank.py:7" in visitor.text


def test_errors_are_filtered_and_paged(visitor: Visitor) -> None:
    # With one key they are in one record, and so are stored together.
    common = {"message": "of many", "service": "paged", "partition_key": "paged"}
    kinds = [{"type": f"Paged{n}", **common} for n in range(30)]
    visitor.site.send("/errors", *kinds)
    visitor.visit("/")
    visitor.reload_until("/?text=Paged29", "Paged29")
    visitor.go("/?service=paged&text=of+many")
    names = [link.text for link in visitor.find_all(".fault h2 a")]
    assert len(names) == 25
    visitor.press("More")
    names += [link.text for link in visitor.find_all(".fault h2 a")]
    assert sorted(names) == sorted(kind["type"] for kind in kinds)
    visitor.press("Newest")
    visitor.find("[name=text]").clear()
    visitor.find("[name=text]").send_keys("paged17")
    visitor.press("Filter")
    assert [link.text for link in visitor.find_all(".fault h2 a")] == ["Paged17"]


def test_logs_are_followed(visitor: Visitor) -> None:
    visitor.visit("/logs")
    visitor.press("Follow")
    visitor.site.send("/logs", {"level": "WARNING", "message": "the first"})
    visitor.wait_for_text("the first")
    visitor.find(".logs summary").click()
    assert "Environment" in visitor.text
    visitor.find(".logs summary").click()
    visitor.press("Stop following")
    visitor.go("/logs?level=ERROR")
    assert "the first" not in visitor.text


def test_the_pages_are_read_and_logged_in_to_without_scripts(visitor: Visitor) -> None:
    disable = "Emulation.setScriptExecutionDisabled"
    visitor.visit("/logs?follow=on")
    visitor.chrome.execute_cdp_cmd(disable, {"value": True})
    try:
        visitor.press("Log out")
        visitor.log_in()
        visitor.go("/logs?follow=on")
        visitor.site.send("/logs", {"level": "INFO", "message": "without a script"})
        visitor.wait_for_text("without a script")
    finally:
        visitor.chrome.execute_cdp_cmd(disable, {"value": False})


def test_axe_finds_nothing(visitor: Visitor) -> None:
    visitor.site.send("/errors", {**ERROR, "causes": [CAUSE], "attributes": {"a": {"b": 1}}})
    visitor.site.send("/logs", {"level": "CRITICAL", "message": "m", "attributes": {"a": 1}})
    quarantine(visitor, b"{}")
    visitor.visit("/")
    visitor.reload_until("/?text=BankError", "BankError")
    fault = visitor.find(".fault h2 a").get_attribute("href") or ""
    targets = ["/", "/?text=nothing", fault.removeprefix(visitor.site.url), "/logs", "/nothing"]
    targets += ["/logs?follow=on", "/quarantine", "/pipeline"]
    for scheme in ("light", "dark"):
        visitor.prefer(scheme)
        for target in targets:
            visitor.go(target)
            visitor.chrome.execute_script(
                "document.querySelectorAll('details').forEach(each => each.open = true)"
            )
            assert (scheme, target, visitor.violations()) == (scheme, target, [])
    visitor.chrome.execute_script("document.querySelector('img').removeAttribute('alt')")
    assert [each.partition(":")[0] for each in visitor.violations()] == ["image-alt"]
    visitor.press("Log out")
    for scheme in ("light", "dark"):
        visitor.prefer(scheme)
        visitor.go("/login")
        assert visitor.violations() == []


def test_what_is_injected_is_shown_and_does_nothing(visitor: Visitor) -> None:
    for text in INJECTIONS:
        frame = {"file": text, "function": text, "module": text, "code": text}
        own: dict[str, Any] = {"service": text, "environment": text, "message": text}
        own |= {"attributes": {text: text}, "partition_key": "in order"}
        error = {"type": text, "stack": [{**frame, "in_application": True}, frame]}
        error["causes"] = [{"type": text, "message": text, "stack": [frame]}]
        visitor.site.send("/errors", {**own, **error})
        visitor.site.send("/logs", {**own, "level": "ERROR"})
        quarantine(visitor, text.encode())
    visitor.visit("/")
    last = INJECTIONS[-1]
    visitor.reload_until(f"/?service={quote(last)}", last)
    visitor.reload_until(f"/logs?service={quote(last)}", last)
    assert visitor.find_all(".logs summary")
    for text in INJECTIONS:
        visitor.go(f"/?service={quote(text)}")
        assert_nothing_injected(visitor, text)
        visitor.find(".fault h2 a").click()
        visitor.wait_for(".exception")
        assert_nothing_injected(visitor, text)
    for target in ("/logs", "/quarantine"):
        visitor.go(target)
        for text in INJECTIONS:
            assert_nothing_injected(visitor, text)


def test_what_is_reflected_does_nothing(visitor: Visitor) -> None:
    visitor.visit("/")
    names = ("period", "service", "environment", "text", "level", "after", "until", "from")
    for text in ("".join(INJECTIONS[:4]), "".join(INJECTIONS[4:])):
        targets = [f"{path}?{urlencode({name: text})}" for path in ("/", "/logs") for name in names]
        next = urlencode({"next": f"/{text}"})
        for target in (
            *targets,
            f"/quarantine?after={quote(text)}",
            f"/login?{next}",
            f"/{quote(text)}",
        ):
            visitor.go(target)
            assert_nothing_injected(visitor)


def test_a_page_of_another_origin_cannot_post(visitor: Visitor) -> None:
    form = f'<form method="post" action="{visitor.site.url}/logout"><button>Log out</button></form>'

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(form.encode())

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    visitor.visit("/")
    # Another port is another origin, to which the browser sends the same cookies.
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        visitor.chrome.get(f"http://127.0.0.1:{server.server_port}")
        visitor.press("Log out")
        server.shutdown()
    assert "This form was sent by another site" in visitor.text
    visitor.go("/")
    assert visitor.find("header.top")


def test_who_logs_out_is_refused(visitor: Visitor) -> None:
    visitor.visit("/quarantine")
    visitor.press("Log out")
    for target in ("/", "/logs", "/quarantine", "/pipeline", "/errors/0123456789abcdef"):
        visitor.go(target)
        assert "/login" in visitor.chrome.current_url
        assert not visitor.find_all("header.top")


def test_a_session_from_before_another_password_is_refused(visitor: Visitor) -> None:
    visitor.visit("/")
    answer = visitor.site.invoke("consumers.set_account", {"name": visitor.site.account})
    visitor.go("/")
    assert "/login" in visitor.chrome.current_url
    visitor.log_in(visitor.site.password)
    assert "The name or the password is wrong." in visitor.text
    visitor.log_in(answer["password"])
    assert visitor.wait_for("header.top")


def assert_nothing_injected(visitor: Visitor, shown: str = "") -> None:
    assert visitor.chrome.execute_script(INJECTED) == []
    assert shown in (visitor.find("html").get_attribute("textContent") or "")
    entries = visitor.chrome.get_log("browser")  # type: ignore[no-untyped-call]
    messages = [entry["message"] for entry in entries]
    assert not [message for message in messages if "Content Security Policy" in message]


def quarantine(visitor: Visitor, raw: bytes) -> None:
    """Has the sink take bytes that are no event, as a client of Kinesis may put on the stream."""
    records = [kinesis_record(str(next(SEQUENCE_NUMBERS)), raw)]
    answer = visitor.site.invoke("consumers.log_sink", {"Records": records})
    assert answer == {"batchItemFailures": []}
