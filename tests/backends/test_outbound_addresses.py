"""Which addresses requests are sent to, and which are refused."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitloop_tui.backends import SimpleHTTPWebhookBackend
from hitloop_tui.backends.outbound import allowed_url, check_peer
from hitloop_tui.errors import ConfigError

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
    "http://127.0.0.1./",
    "https://%31%36%39.254.169.254/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[fe80::1%25eth0]/",
    "http://[::1%25lo]/",
    "https://[v1.x]/",
    "https://^/",
    "http://[::1]1/",
    "https://ex%61mple.com/",
    "http://@127.0.0.1/",
    "http://localhost./",
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


@pytest.mark.parametrize(
    ("url", "peer"),
    [
        ("http://localhost/", "10.0.0.5"),
        ("http://localhost/", "93.184.216.34"),
        ("https://hooks.example/", "169.254.169.254"),
        ("https://hooks.example/", "fe80::1%eth0"),
        ("https://hooks.example/", "::ffff:169.254.169.254"),
        ("https://hooks.example/", "0.0.0.0"),
    ],
)
def test_peers_that_are_refused(url, peer):
    with pytest.raises(ConfigError):
        check_peer(url, peer)


URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTPS"]),
    st.text("abc.019:[]%@-_xX\\/?#", max_size=12),
    st.sampled_from(["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "example.com"]),
    st.text("abc.019:[]%@-_xX\\/?#", max_size=12),
)


@settings(max_examples=500)
@given(URLS | st.text(st.characters(max_codepoint=127)).map("https://{}".format))
def test_what_is_checked_is_what_is_connected_to(url):
    """Two readers of a URL must not see two hosts in it."""
    try:
        allowed_url(url)
    except ConfigError:
        return
    try:
        theirs = httpx.URL(url)
    except httpx.InvalidURL:
        return
    ours = urlsplit(url)
    port = {"http": 80, "https": 443}[ours.scheme]
    assert (theirs.scheme, theirs.host) == (ours.scheme, ours.hostname)
    assert (theirs.port or port) == (ours.port or port)
