"""Requests that go out over HTTP: to the configured address, signed, and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import standardwebhooks
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from hitloop_tui.backends import (
    HTTPSender,
    PersistentWebhookBackend,
    RetryConfig,
    SimpleHTTPWebhookBackend,
    SlackVerifier,
    StandardWebhooks,
)
from hitloop_tui.backends.standard_webhooks import sign
from tests.backends.desk import a_request
from tests.backends.receiver import running

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def receiver():
    with running() as server:
        yield server


async def sent_once(url: str, **options) -> tuple[str, list[str]]:
    """By whom it was decided when nobody answers, and why."""
    backend = SimpleHTTPWebhookBackend(url, timeout_seconds=0.05, **options)
    decision = await backend.request_approval(a_request())
    return decision.decided_by, decision.reason


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


async def test_with_a_secret_callbacks_must_be_signed(receiver):
    backend = SimpleHTTPWebhookBackend(receiver.url, secret=SECRET)
    task = asyncio.create_task(backend.request_approval(a_request()))
    while not receiver.got:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    callback_id = json.loads(receiver.got[0][2])["callback_id"]
    yes = {"callback_id": callback_id, "approved": True, "user": "ann"}
    body = json.dumps(yes).encode()
    assert (await backend.receive({}, body)).status == 401
    echoed = receiver.got[0]  # what we signed ourselves is no answer
    assert (await backend.receive(echoed[1], echoed[2])).status == 400
    assert (await backend.receive(sign(SECRET, "m", body), body)).status == 200
    assert (await task).decided_by == "webhook:ann"


async def test_sent_again_when_the_receiver_is_busy(receiver):
    receiver.answers = [(429, {"retry-after": "0.2"}), (503, {})]
    sender = HTTPSender(receiver.url, secret=SECRET)
    retries = RetryConfig(initial_delay=0.001, max_delay=0.002)
    backend = PersistentWebhookBackend(sender, timeout_seconds=5, retry_config=retries)
    started = asyncio.get_running_loop().time()
    task = asyncio.create_task(backend.request_approval(a_request()))
    while len(receiver.got) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() - started >= 0.2
    [message_id] = {headers["webhook-id"] for _, headers, _ in receiver.got}
    assert await backend.handle_callback(message_id, approved=True)
    assert (await task).approved


async def test_ipv6():
    with running("::1") as receiver:
        assert (await sent_once(receiver.at("[::1]")))[0] == "system:timeout"
        assert len(receiver.got) == 1


async def test_a_name_that_leads_elsewhere(receiver, monkeypatch):
    """What a name stands for may change after it was configured."""
    real = socket.getaddrinfo

    def elsewhere(host, port, *rest, **options):
        if host in ("localhost", b"localhost"):
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:127.0.0.1", port, 0, 0))]
        return real(host, port, *rest, **options)

    url = receiver.at("localhost")
    assert await sent_once(url) == ("system:timeout", "Timeout after 0.05s - no human response")
    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
    by, reason = await sent_once(url)
    assert (by, reason) == (
        "system:error",
        "Not sent: outbound_url holds an address in an unusual form",
    )
    assert len(receiver.got) == 1


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's, that only who has the file believes."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hitloop test")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, private)
    return tls, pem


async def test_over_tls(tmp_path, monkeypatch):
    tls, pem = certificate(tmp_path)
    with running("127.0.0.1", tls) as receiver:
        stranger = HTTPSender(receiver.at("localhost", "https"))
        backend = PersistentWebhookBackend(stranger, retry_config=RetryConfig(initial_delay=0))
        decision = await backend.request_approval(a_request())
        assert decision.reason == "Not sent: ConnectError"
        assert (receiver.connections, receiver.got) == (1, [])  # it will not be believed later
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert (await sent_once(receiver.at("localhost", "https")))[0] == "system:timeout"
        assert len(receiver.got) == 1


def test_secrets_are_not_shown():
    sender = HTTPSender("https://hooks.example/SECRET", {"Authorization": "SECRET"}, SECRET)
    backend = SimpleHTTPWebhookBackend("https://hooks.example/SECRET", secret=SECRET)
    key = SECRET.removeprefix("whsec_")
    shown = [sender, backend, StandardWebhooks(SECRET), SlackVerifier(SECRET), backend.verifier]
    for text in (f(one) for f in (repr, str) for one in shown):
        assert "SECRET" not in text
        assert key not in text
