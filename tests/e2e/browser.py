"""Chromium, driven over the WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which WebDriver names an element."""

ENTER = "\ue007"

QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
"""Without a screen, and without looking up anybody's hosts."""


def missing() -> list[str]:
    """The programs that are not on this machine."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


class Browser:
    """One window. Elements are found by CSS selectors."""

    def __init__(self, driver: str, profile: Path) -> None:
        self._http = httpx.Client(base_url=driver, timeout=60, trust_env=False)
        options = {
            "binary": shutil.which("chromium"),
            "args": [*QUIET.split(), f"--user-data-dir={profile}"],
        }
        wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
        opened = self._ask("POST", "/session", capabilities=wanted)
        self._session = f"/session/{opened['sessionId']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ask("DELETE", self._session)
        self._http.close()

    def open(self, url: str) -> None:
        self._do("url", url=url)

    @property
    def url(self) -> str:
        return str(self._ask("GET", f"{self._session}/url"))

    def text(self, selector: str = "body") -> str:
        """As a person sees it."""
        return str(self._ask("GET", f"{self._at(selector)}/text"))

    def count(self, selector: str) -> int:
        return len(self._do("elements", using="css selector", value=selector))

    def type(self, selector: str, text: str) -> None:
        self._ask("POST", f"{self._at(selector)}/value", text=text)

    def click(self, selector: str) -> None:
        self._ask("POST", f"{self._at(selector)}/click")

    def follow(self, selector: str) -> None:
        """Click on what leads to another page, and wait for that."""
        self.run("window.left = true")
        self.click(selector)
        for _ in range(500):
            if self.run("return !window.left && document.readyState === 'complete'"):
                return
            time.sleep(0.02)
        raise AssertionError(f"{selector} leads nowhere")

    def run(self, script: str) -> Any:
        return self._do("execute/sync", script=script, args=[])

    def alert(self) -> bool:
        """Whether a script opened a dialog."""
        return self._http.get(f"{self._session}/alert/text").status_code == 200

    def width(self, pixels: int) -> None:
        metrics = {"width": pixels, "height": 844, "deviceScaleFactor": 2, "mobile": pixels < 500}
        self._devtools("Emulation.setDeviceMetricsOverride", **metrics)

    def scheme(self, name: str) -> None:
        """`light` or `dark`."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self._devtools("Emulation.setEmulatedMedia", features=features)

    def screenshot(self) -> bytes:
        """The whole page, as PNG."""
        taken = self._devtools("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    def _at(self, selector: str) -> str:
        found = self._do("element", using="css selector", value=selector)
        return f"{self._session}/element/{found[ELEMENT]}"

    def _devtools(self, command: str, **parameters: Any) -> Any:
        return self._do("goog/cdp/execute", cmd=command, params=parameters)

    def _do(self, path: str, **body: Any) -> Any:
        return self._ask("POST", f"{self._session}/{path}", **body)

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        answer = self._http.request(method, path, json=body if method == "POST" else None)
        value = answer.json()["value"]
        assert answer.is_success, value
        return value


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """A browser with an empty `profile`."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert driver.stdout is not None
        started = (re.search(r"successfully on port (\d+)", line) for line in driver.stdout)
        port = next(found[1] for found in started if found)
        with Browser(f"http://127.0.0.1:{port}", profile) as browser:
            yield browser
    finally:
        driver.terminate()
        driver.communicate(timeout=20)
