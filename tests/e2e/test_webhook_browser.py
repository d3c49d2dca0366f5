"""A person decides on the example server's pages, in a real Chromium.

The server is one process and the agent that waits another; they share a SQLite file. Needs the
Debian packages chromium and chromium-driver; `.ci/run` installs them.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from hitloop_tui.backends import PersistentWebhookBackend
from hitloop_tui.core.models import ApprovalRequest, Decision
from hitloop_tui.persistence import SQLiteApprovalStore
from tests.backends.desk import Sender, a_request
from tests.e2e.browser import ENTER, Browser, chromium, missing
from tests.e2e.test_webhook_server import Server, server

APPROVE, REJECT = "button[value=approve]", "button[value=reject]"
PHONE = 390


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if absent := missing():
        reason = f"no {' and no '.join(absent)} here: apt-get install chromium chromium-driver"
        if "REQUIRE_BROWSER" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


class Agent:
    """Asks on the file that a server shows, in an event loop of its own."""

    def __init__(self, file: Path, site: Server, threads: ThreadPoolExecutor) -> None:
        self.file, self.site, self._threads = file, site, threads
        self.base = str(site.http.base_url).rstrip("/")

    def ask(self, request: ApprovalRequest) -> tuple[str, Future[Decision]]:
        """The address of the request's page, and what will be decided."""
        sender, sent = Sender(), Future[str]()
        sender.then = sent.set_result

        async def asking() -> Decision:
            backend = PersistentWebhookBackend(sender, SQLiteApprovalStore(self.file), 30)
            try:
                return await backend.request_approval(request)
            finally:
                await backend.close()

        decision = self._threads.submit(asyncio.run, asking())
        return f"{self.base}/hitloop/callback/{sent.result(20)}", decision


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    file = tmp_path_factory.mktemp("web") / "approvals.db"
    with ThreadPoolExecutor() as threads, server(HITLOOP_APPROVALS=str(file)) as site:
        yield Agent(file, site, threads)


def test_approved_from_the_list(agent, browser):
    url, decision = agent.ask(a_request())
    browser.open(agent.base)
    assert "Waiting for approval" in browser.text("h1")
    browser.follow(f"a[href='{url.removeprefix(agent.base)}']")
    shown = browser.text()
    for words in ("send_email", "high risk", '"to": "ann@example.com"', '"amount": 5'):
        assert words in shown
    for words in ("email_sent", "she asked for it", "doc:1", "the third this week", "run-1"):
        assert words in shown
    browser.type("input[name=user]", "Ann")
    browser.follow(APPROVE)
    assert browser.text("h1") == "Approved"
    assert "by local:Ann at 2" in browser.text()
    decided = decision.result(20)
    assert (decided.approved, decided.decided_by) == (True, "local:Ann")
    browser.open(url)
    assert browser.text("h1") == "Approved"
    assert "Your answer" not in browser.text()


def test_rejected_with_a_reason(agent, browser):
    url, decision = agent.ask(a_request())
    browser.open(url)
    browser.type("input[name=user]", "Ann")
    browser.type("input[name=reason]", "wrong <b>Ann</b>")
    browser.follow(REJECT)
    assert browser.text("h1") == "Rejected"
    assert "wrong <b>Ann</b>" in browser.text("blockquote")
    decided = decision.result(20)
    assert (decided.approved, decided.reason) == (False, "wrong <b>Ann</b>")
    assert decided.decided_by == "local:Ann"


def test_the_second_hears_who_was_first(agent, browser):
    url, decision = agent.ask(a_request())
    browser.open(url)
    agent.site.http.post(url, json={"approved": False, "user": "Bob", "reason": "no budget"})
    browser.type("input[name=user]", "Ann")
    browser.follow(APPROVE)
    assert browser.text("h1") == "Already rejected"
    shown = browser.text()
    assert "by local:Bob" in shown
    assert "no budget" in shown
    assert "Your answer was not recorded" in shown
    assert decision.result(20).decided_by == "local:Bob"


def test_a_name_is_needed_and_enter_decides_nothing(agent, browser):
    url, decision = agent.ask(a_request())
    browser.open(url)
    browser.click(APPROVE)
    time.sleep(0.2)
    assert browser.count(APPROVE) == 1
    browser.type("input[name=user]", "Ann" + ENTER)
    browser.type("input[name=reason]", "why not" + ENTER)
    time.sleep(0.2)
    assert browser.count(APPROVE) == 1
    assert not decision.done()
    browser.follow(REJECT)
    assert not decision.result(20).approved


def test_a_press_is_for_what_the_page_showed(agent, browser):
    url, decision = agent.ask(a_request())
    browser.open(url)
    with closing(sqlite3.connect(agent.file)) as other, other:
        changed = """replace(body, '"amount":5', '"amount":9')"""
        other.execute(f"UPDATE hitloop_approvals SET body = {changed} WHERE decision IS NULL")
    browser.type("input[name=user]", "Ann")
    browser.follow(APPROVE)
    assert "This page is out of date" in browser.text()
    assert not decision.done()
    browser.open(url)
    assert '"amount": 9' in browser.text("pre")
    browser.type("input[name=user]", "Ann")
    browser.follow(APPROVE)
    decided = decision.result(20)  # 9 was approved, and the agent asked for 5
    assert (decided.approved, decided.decided_by) == (False, "system:mismatch")


HOSTILE = (
    "</pre><script>document.title='hit'</script><img src=x onerror=\"document.title='hit'\">"
    "<a href=javascript:alert(1)>Approved</a><style>body{display:none}</style>"
    "<form action=//evil><button value=approve>x</button>\u202e\u200b" + "W" * 400
)


def test_hostile_text_is_text(agent, browser):
    url, decision = agent.ask(a_request())
    browser.open(url)
    tags = browser.count("article *")
    hostile = a_request(
        tool_name=HOSTILE,
        tool_args={"to": HOSTILE, "amount": 5},
        rationale=HOSTILE,
        side_effects=[HOSTILE],
        context_refs=[HOSTILE],
    )
    hostile.policy_name = hostile.policy_reason = hostile.summary_context = HOSTILE
    hostile_url, refused = agent.ask(hostile)
    for page in (agent.base, hostile_url):
        browser.open(page)
        assert "<script>document.title='hit'</script>" in browser.text()
        assert browser.run("return document.title") != "hit"
        assert browser.count("script, img, main style, a[href^=javascript]") == 0
        assert not browser.alert()
    assert browser.count("article *") == tags + 1  # the warning
    assert "hidden characters" in browser.text(".warning")
    assert "\\u202e\\u200b" in browser.text("pre")
    browser.type("input[name=user]", HOSTILE[:60])
    browser.type("input[name=reason]", HOSTILE[:60])
    browser.follow(REJECT)
    assert HOSTILE[:60] in browser.text("b")
    assert browser.count("article script, article img") == 0
    assert not refused.result(20).approved
    agent.site.http.post(url, json={"approved": False, "user": "Bob"})
    assert not decision.result(20).approved


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(agent, browser, scheme, tmp_path):
    url, decision = agent.ask(a_request(rationale=HOSTILE))
    browser.width(PHONE)
    browser.scheme(scheme)
    try:
        for page in (agent.base, url):
            browser.open(page)
            assert browser.run("return document.documentElement.scrollWidth") <= PHONE
        for button in (APPROVE, REJECT):
            box = browser.run(
                f"return document.querySelector('{button}').getBoundingClientRect().toJSON()"
            )
            assert 0 <= box["left"] < box["right"] <= PHONE
            assert box["height"] >= 44  # a thumb
        picture = browser.screenshot()
        assert picture.startswith(b"\x89PNG")
        (tmp_path / f"phone-{scheme}.png").write_bytes(picture)
        browser.type("input[name=user]", "Ann")
        browser.follow(APPROVE)
        assert decision.result(20).approved
    finally:
        browser.width(1000)
        browser.scheme("light")
