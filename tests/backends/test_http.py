"""Requests that go out over HTTP: to the configured address, signed, and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import standardwebhooks

from hitloop_tui.backends import SimpleHTTPWebhookBackend
from hitloop_tui.errors import ConfigError
from tests.backends.desk import a_request

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


class Receiver(ThreadingHTTPServer):
    """A chat service on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hooks/SECRET"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((self.path, headers, body))
        status, extra = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(status)
        for name, value in {"content-length": "0", **extra}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver():
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_the_whole_request_goes_out_signed(receiver):
    backend = SimpleHTTPWebhookBackend(
        receiver.url,
        callback_base_url="https://app.example/cb",
        headers={"Authorization": "Bearer T"},
        secret=SECRET,
    )
    request = a_request(tool_args={"body": "x" * 5000, "to": "ann"})
    task = asyncio.create_task(backend.request_approval(request))
    for _ in range(200):
        if receiver.got:
            break
        await asyncio.sleep(0.01)
    path, headers, body = receiver.got[0]
    data = standardwebhooks.Webhook(SECRET).verify(body, headers)
    assert path == "/hooks/SECRET"
    assert headers["authorization"] == "Bearer T"
    assert data["action"]["tool_args"] == request.action.tool_args  # upstream's summary is cut
    assert data["action"]["side_effects"] == ["email_sent"]
    assert data["callback_url"] == f"https://app.example/cb/{data['callback_id']}"
    assert headers["webhook-id"] == data["callback_id"]
    assert data["context"] == "the third this week"
    assert await backend.handle_callback(data["callback_id"], approved=True)
    assert (await task).approved


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 500, 503])
async def test_an_error_or_a_redirect_is_not_followed_and_not_told(receiver, status, caplog):
    """Upstream follows redirects, and quotes addresses (security.md 7.1, 14 and 19)."""
    caplog.set_level(logging.DEBUG)
    receiver.answers = [(status, {"location": f"http://127.0.0.1:{receiver.server_port}/else"})]
    decision = await SimpleHTTPWebhookBackend(receiver.url).request_approval(a_request())
    assert [path for path, _, _ in receiver.got] == ["/hooks/SECRET"]
    assert (decision.decided_by, decision.tags) == ("system:error", ["transport_error"])
    assert f"HTTP {status}" in decision.reason
    assert "SECRET" not in decision.model_dump_json() + caplog.text


async def test_nobody_there(caplog):
    caplog.set_level(logging.DEBUG)
    backend = SimpleHTTPWebhookBackend("http://127.0.0.1:9/hooks/SECRET")
    decision = await backend.request_approval(a_request())
    assert decision.reason == "Not sent: ConnectError"
    assert "SECRET" not in caplog.text


async def test_the_environment_does_not_choose_the_receiver(receiver, monkeypatch, tmp_path):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password SECRET")
    monkeypatch.setenv("NETRC", str(netrc))
    backend = SimpleHTTPWebhookBackend(receiver.url, timeout_seconds=0.05)
    decision = await backend.request_approval(a_request())
    assert decision.decided_by == "system:timeout"
    assert "authorization" not in receiver.got[0][1]
    assert json.loads(receiver.got[0][2])["action"]["tool_name"] == "send_email"


REFUSED = [
    "",
    "example.com/hook",
    "ftp://example.com/",
    "file:///etc/passwd",
    "http://example.com/hook",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://0.0.0.0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "https://[::ffff:169.254.169.254]/",
    "http://2130706433/",
    "https://2852039166/",
    "http://0x7f.1/",
    "https://0xa9fea9fe/",
    "http://0177.0.0.1/",
    "http://localhost.example.com/",
    "http://127.0.0.1.example.com/",
    "http://localhost@example.com/",
    "https://user:SECRET@example.com/",
    "https://example.com/#SECRET",
    "http://127.0.0.1\\@example.com/",
    "https://example.com/\r\nHost: x",
    "https://exämple.com/",
    "https://example.com:99999/",
    "https://[::1",
]


@pytest.mark.parametrize("url", REFUSED)
def test_addresses_that_are_refused(url):
    """Upstream sends anywhere (security.md 7.1, 19)."""
    with pytest.raises(ConfigError) as caught:
        SimpleHTTPWebhookBackend(url)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/x",
        "https://example.com:8443/a?b=c",
        "http://localhost:8000/x",
        "http://127.0.0.1:8000/x",
        "http://[::1]:8000/x",
        "https://localhost/x",
    ],
)
def test_addresses_that_are_allowed(url):
    assert SimpleHTTPWebhookBackend(url).outbound_url == url
