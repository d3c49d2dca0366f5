"""Every hostile text on the server's pages: it makes no element, and hides nothing."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from hitloop_tui.agents.webhook_page import HEADERS, list_page, message_page, review_page
from hitloop_tui.persistence import PendingApprovalRecord, SQLiteApprovalStore
from hitloop_tui.safetext import hidden_characters, safe
from tests.e2e.browser import Browser
from tests.e2e.test_webhook_browser import browser
from tests.e2e.test_webhook_server import Server, Tags, server
from tests.hostile.code_points import chunks
from tests.hostile.corpora import sample
from tests.hostile.files import request

__all__ = ["browser"]

LISTS = ("side_effects", "context_refs", "approvals")
SHOWN_IN_BROWSER = 8


def record(text: str, number: int = 0) -> PendingApprovalRecord:
    """A request that holds `text` in every field; lists of it, so that empty ones show, too."""
    asked = request(text)
    made = PendingApprovalRecord.from_request(
        asked, f"callback-{number}", "thread", datetime.now(UTC)
    )
    return replace(made, **{name: [text or "x"] for name in LISTS})


def test_no_text_makes_an_element() -> None:
    expected = shape("x")
    for text in [*sample(100), *islice(chunks(), 0, None, 25)]:
        if text.strip("\n") and "\n" not in text:
            assert shape(text) == expected, ascii(text[:80])


def shape(text: str) -> set[str]:
    """The elements of the pages about a request; what is on them must be visible."""
    one = replace(record(text), callback_id="id")
    pages = "".join((review_page(one, "token"), list_page([one]), message_page(text)))
    assert hidden_characters(pages) == []
    assert safe(text[:20]) in Tags(pages).text.replace("\n", "")
    return Tags(pages).names


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    file = tmp_path_factory.mktemp("hostile-web") / "approvals.db"
    asyncio.run(fill(file))
    with server(HITLOOP_APPROVALS=str(file)) as running:
        yield running


async def fill(file: Path) -> None:
    store = SQLiteApprovalStore(file)
    await store.setup()
    for number, text in enumerate(sample(SHOWN_IN_BROWSER)):
        await store.put(record(text, number))
    await store.close()


def test_in_a_browser(site: Server, browser: Browser) -> None:
    base = str(site.http.base_url).rstrip("/")
    pages = [
        "/",
        *(f"/hitloop/callback/callback-{n}" for n in range(len(sample(SHOWN_IN_BROWSER)))),
    ]
    for page in pages:
        browser.open(base + page)
        assert not browser.alert()
        assert browser.url == base + page
        assert browser.run("return document.title") in ("Waiting for approval", "Approval request")
        assert browser.count("script, img, svg, iframe, object, base, main style, [onclick]") == 0
        assert browser.count("form") == (page != "/")
        loaded = "return performance.getEntriesByType('resource').map(each => each.name)"
        assert browser.run(loaded) in ([], [f"{base}/favicon.ico"])
        shown = browser.run("return document.documentElement.outerHTML")
        assert hidden_characters(shown.replace("\xa0", " ")) == []


def test_no_word_of_an_address_becomes_a_header(site: Server) -> None:
    address = site.http.base_url
    for word in ("%0d%0aX-Evil:%201", "%0aSet-Cookie:a=b", "%E2%80%AE", "%00", "..%2f", "%ff"):
        for method in ("GET", "POST"):
            client = http.client.HTTPConnection(address.host, address.port, timeout=10)
            headers = {"Content-Type": "application/json"} if method == "POST" else {}
            client.request(
                method, f"/hitloop/callback/{word}", body=b'{"approved": true}', headers=headers
            )
            answer = client.getresponse()
            assert answer.status in (307, 400, 404), (word, answer.status)
            assert {name: answer.getheader(name) for name in HEADERS} == HEADERS
            assert answer.getheader("X-Evil") is None
            assert answer.getheader("Set-Cookie") is None
            client.close()
