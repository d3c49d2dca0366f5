"""The example server: uvicorn in a process of its own, asked and answered over real HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from hitloop_tui.agents.webhook_page import list_page, outcome_page, review_page
from hitloop_tui.backends.standard_webhooks import sign
from hitloop_tui.persistence import Outcome, Resolution, StoredDecision
from tests.stores.desk import a_record, no

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


class Server:
    """What it printed, and a client to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        port = self.said(r"running on http://127\.0\.0\.1:(\d+)")[1]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    def said(self, pattern: str) -> re.Match[str]:
        for _ in range(600):
            if found := re.search(pattern, "".join(self.lines)):
                return found
            time.sleep(0.05)
        raise AssertionError("".join(self.lines))

    def ask(self) -> str:
        """A test request's path."""
        before = len(re.findall(r"In a browser: ", "".join(self.lines)))
        answer = self.http.post("/test/request-approval")
        assert answer.status_code == 200
        assert answer.json()["status"] == "pending"
        pattern = rf"(?s)(?:In a browser: .*?){{{before}}}In a browser: (http\S+)"
        return httpx.URL(self.said(pattern)[1]).path

    def stop(self, how: int = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(20)
        self._reader.join(5)
        self.http.close()


@contextmanager
def server(**environment: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "uvicorn", "hitloop_tui.agents.webhook_server:app"]
    process = subprocess.Popen(
        [*command, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
    )
    started = None
    try:
        started = Server(process)
        yield started
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if started:
            started.http.close()
            started._reader.join(5)
        process.stdout.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[Server]:
    with server() as running:
        yield running


def test_approve_by_the_printed_curl_command(plain):
    plain.ask()
    line = plain.said(r"To approve: +(curl .*)\n")[1]
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=20)
    assert json.loads(done.stdout)["status"] == "recorded", done.stderr
    plain.said(r"Decision: approved by local:ann")


def test_the_second_is_told_who_was_first(plain):
    path = plain.ask()
    first = plain.http.post(path, json={"approved": False, "user": "ann", "reason": "no budget"})
    second = plain.http.post(path, json={"approved": True, "user": "bob"})
    assert (first.status_code, second.status_code) == (200, 409)
    assert second.json()["decided_by"] == "local:ann"
    plain.said("Decision: not approved by local:ann: no budget")
    assert plain.http.get("/hitloop/callback/unknown").status_code == 404


def test_what_waits(plain):
    path = plain.ask()
    listed = plain.http.get("/pending").json()
    assert listed["count"] == len(listed["pending"]) >= 1
    assert path.rpartition("/")[2] in {one["callback_id"] for one in listed["pending"]}
    assert path in plain.http.get("/").text


def form_of(page: str) -> dict[str, str]:
    return {"token": re.search(r'name="token" value="([^"]+)"', page)[1], "user": "ann"}


@pytest.mark.parametrize(("verdict", "told"), [("approve", "approved"), ("reject", "rejected")])
def test_a_person_in_a_browser(plain, verdict, told):
    path = plain.ask()
    page = plain.http.get(path)
    assert "ceo@example.com" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    form = form_of(page.text) | {"verdict": verdict, "reason": "seen"}
    origin = {"origin": str(plain.http.base_url).rstrip("/")}
    answer = plain.http.post(path, data=form, headers=origin)
    assert f"<h1>{told.capitalize()}</h1>" in answer.text
    again = plain.http.post(path, data=form, headers=origin)
    assert (again.status_code, f"<h1>Already {told}</h1>" in again.text) == (409, True)
    later = plain.http.get(path)
    assert (later.status_code, f"<h1>{told.capitalize()}</h1>" in later.text) == (200, True)
    assert "local:ann" in later.text


def test_other_sites_cannot_press_the_buttons(plain):
    path = plain.ask()
    form = form_of(plain.http.get(path).text) | {"verdict": "approve"}
    other = form_of(plain.http.get(plain.ask()).text)
    yes = json.dumps({"approved": True, "user": "x"})
    refused = [
        plain.http.post(path, data=form | {"token": "guess"}),
        plain.http.post(path, data=form | {"token": other["token"]}),
        plain.http.post(path, data={"verdict": "approve", "user": "x"}),
        plain.http.post(path, data=form, headers={"origin": "https://evil.example"}),
        plain.http.post(path, data=form, headers={"origin": "null"}),
        plain.http.post(path, data=form | {"verdict": "maybe"}),
        plain.http.post(path, data=form | {"user": ""}),
        plain.http.post(path, content=yes, headers={"content-type": "text/plain"}),
        plain.http.post(path, content=yes),
        plain.http.post(path, json={"approved": "true"}),
        plain.http.post(path, json={"approved": True, "user": ["x"]}),
        plain.http.post(path, json={"approved": True, "reason": "x" * 70000}),
        plain.http.post(path, json={"approved": True}, headers={"host": "evil.example"}),
        plain.http.get(path, headers={"host": "evil.example"}),
        plain.http.post("/test/request-approval", headers={"origin": "https://evil.example"}),
    ]
    assert [r.status_code for r in refused if r.status_code not in (400, 403, 413, 415)] == []
    ids = {one["callback_id"] for one in plain.http.get("/pending").json()["pending"]}
    assert path.rpartition("/")[2] in ids


def test_with_a_secret_only_signed_messages_decide(tmp_path):
    url = "https://approvals.example/hitloop/callback"
    with server(HITLOOP_WEBHOOK_SECRET=SECRET, HITLOOP_CALLBACK_URL=url) as running:
        path = running.ask()
        running.said(rf"In a browser: {url}/")
        assert "To approve:" not in "".join(running.lines)
        callback_id = path.rpartition("/")[2]
        body = json.dumps({"callback_id": callback_id, "approved": True, "user": "ann"}).encode()
        plain_json = {"content-type": "application/json"}
        unsigned = running.http.post(path, content=body, headers=plain_json)
        forged = running.http.post(
            path, content=body, headers=plain_json | sign(SECRET, "m", body + b" ")
        )
        assert (unsigned.status_code, forged.status_code) == (401, 401)
        outside = plain_json | sign(SECRET, "m", body) | {"host": "approvals.example"}
        replies = [running.http.post(path, content=body, headers=outside) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [200, 200]
        assert replies[0].json() == replies[1].json()
        running.said("Decision: approved by webhook:ann")
        assert running.http.get(path, headers=outside).status_code == 403


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_loses_nothing(tmp_path: Path, how: int):
    file = str(tmp_path / "approvals.db")
    with server(HITLOOP_APPROVALS=file) as running:
        path = running.ask()
        running.stop(how)
    with server(HITLOOP_APPROVALS=file) as running:
        assert running.http.get("/pending").json()["count"] == 1
        assert running.http.post(path, json={"approved": True, "user": "ann"}).status_code == 200
        running.said("Decision: approved by local:ann")


HOSTILE = "</pre><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;\x1b[2J\u202e"


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_text_is_text():
    texts = ["tool_name", "risk_class", "rationale", "policy_name", "policy_reason", "run_id"]
    lists = ["side_effects", "context_refs", "approvals"]
    plain = a_record(**{name: ["\x1b"] for name in lists}, quorum=2, rationale="r")
    hostile = replace(
        plain,
        callback_id=HOSTILE,
        tool_args={HOSTILE: HOSTILE},
        **dict.fromkeys(texts, HOSTILE),
        **{name: [HOSTILE] for name in lists},
    )
    decided = [
        Resolution(Outcome.ALREADY_DECIDED, StoredDecision(no(by, reason=by), plain.created_at))
        for by in (HOSTILE, "x")
    ]
    got, expected = (
        Tags(
            review_page(record, "token")
            + list_page([record])
            + outcome_page(resolution, tried=True)
        )
        for record, resolution in zip((hostile, plain), decided, strict=True)
    )
    assert (got.names, got.attributes) == (expected.names, expected.attributes)
    assert "<script>alert(1)</script>" in got.text
    assert "\x1b" not in got.text
    assert "\u202e" not in got.text
