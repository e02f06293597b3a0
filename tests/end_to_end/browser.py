"""A real browser, and the local cloud that it looks at."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from axe_selenium_python import Axe  # type: ignore[import-untyped]
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from local.account import lambda_client
from tests.fixtures.local_cloud import running_local_cloud

PATIENCE = 60  # seconds, on a machine that does much else
OPTIONS = [
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
]


@dataclass(frozen=True)
class Site:
    """A running local cloud, with an account for its pages."""

    url: str
    api_key: str
    account: str
    password: str

    def send(self, path: str, *events: dict[str, Any]) -> None:
        """Sends events until they are taken, as a client does."""
        common = {"environment": "test", "service": "shop"}
        now = datetime.now(UTC).isoformat()
        complete = [
            {**common, "event_id": str(uuid4()), "occurred_at": now, **event} for event in events
        ]
        request = Request(
            f"{self.url}{path}", json.dumps(complete).encode(), {"X-Api-Key": self.api_key}
        )
        while True:
            try:
                with urlopen(request) as response:
                    assert response.status == 202
                    return
            except HTTPError as error:
                assert error.code >= 500, error.read()

    def invoke(self, name: str, event: object) -> Any:
        answer = lambda_client(self.url).invoke(
            FunctionName=f"local-{name.replace('.', '-')}", Payload=json.dumps(event)
        )
        return json.load(answer["Payload"])


@contextmanager
def running_site(state: Path) -> Iterator[Site]:
    """Runs the functions that are packaged in the working directory."""
    with running_local_cloud("--dist", ".", "--state", str(state)) as (_, ready):
        yield Site(ready["url"], ready["api_key"], ready["account"], ready["password"])


@contextmanager
def running_browser(profile: Path) -> Iterator[webdriver.Chrome]:
    """Runs Chromium; skips the test where there is none."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("Needs a browser: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for option in [*OPTIONS, f"--user-data-dir={profile}"]:
        options.add_argument(option)
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as chrome:
        yield chrome


class Visitor:
    """A person in front of the browser."""

    def __init__(self, chrome: webdriver.Chrome, site: Site) -> None:
        self.chrome = chrome
        self.site = site

    def go(self, target: str) -> None:
        self.chrome.get(f"{self.site.url}{target}")

    def log_in(self, password: str | None = None) -> None:
        """Fills in the form that is shown."""
        self.find("#name").send_keys(self.site.account)
        self.find("#password").send_keys(password or self.site.password)
        self.press("Log in")

    def visit(self, target: str) -> None:
        """Goes to a page, through the login if need be."""
        self.go(target)
        if "/login" in self.chrome.current_url:
            self.log_in()
            self.wait_for("header.top")

    def find(self, selector: str) -> WebElement:
        return self.chrome.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector: str) -> list[WebElement]:
        return self.chrome.find_elements(By.CSS_SELECTOR, selector)

    def press(self, name: str) -> None:
        """Presses a button or follows a link, and waits for the page it leads to."""
        path = f"//*[self::a or self::button][normalize-space()='{name}']"
        pressed = self.chrome.find_element(By.XPATH, path)
        document = self.find("html")
        pressed.click()
        self._wait(lambda: self.find("html") != document)

    def wait_for(self, selector: str) -> WebElement:
        self._wait(lambda: self.find_all(selector))
        return self.find(selector)

    def reload_until(self, target: str, text: str) -> None:
        """Looks again and again until a page shows a text."""

        def shows() -> bool:
            self.go(target)
            return text in self.text

        self._wait(shows)

    def wait_for_text(self, text: str) -> None:
        self._wait(lambda: text in self.text)

    @property
    def text(self) -> str:
        return self.find("body").text

    def prefer(self, scheme: str) -> None:
        """Has the browser prefer "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def violations(self) -> list[str]:
        """What axe finds wrong with the page."""
        axe = Axe(self.chrome)
        axe.inject()
        found = axe.run()["violations"]
        return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]

    def _wait(self, condition: Any) -> None:
        WebDriverWait(self.chrome, PATIENCE).until(lambda _: condition())
