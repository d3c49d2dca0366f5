"""Asking by an HTTP POST to one fixed address."""

from __future__ import annotations

import ipaddress
from functools import cached_property
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

from hitloop_tui.backends.asking import OnTimeout
from hitloop_tui.backends.callbacks import Verifier
from hitloop_tui.backends.standard_webhooks import StandardWebhooks, key_of, sign
from hitloop_tui.backends.webhook_backend import CALLBACK_URL, WebhookBackend
from hitloop_tui.core.models import ApprovalRequest
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.errors import ConfigError

POST_SECONDS = 10.0
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class HTTPSender:
    """A `send_request` that POSTs to one address, and nowhere else: redirects are errors.

    The address is https, or plain http on this machine. With `secret` the message is signed as
    standardwebhooks.com says; its id is the callback id, so the receiver can tell a repeat.
    """

    def __init__(
        self, outbound_url: str, headers: dict[str, str] | None = None, secret: str | None = None
    ) -> None:
        self.outbound_url = allowed_url(outbound_url)
        self.headers = headers or {}
        self._secret = secret
        if secret is not None:
            key_of(secret)

    async def __call__(self, request: ApprovalRequest, callback_id: str, callback_url: str) -> None:
        import httpx  # 70 ms, for those who send

        body = json_text(message(request, callback_id, callback_url)).encode()
        headers = {"Content-Type": "application/json", **self.headers}
        if self._secret is not None:
            headers |= sign(self._secret, callback_id, body)
        post = httpx.Request(
            "POST",
            self.outbound_url,
            headers=headers,
            content=body,
            extensions={"timeout": httpx.Timeout(POST_SECONDS).as_dict()},
        )
        # Not a client: it would log the address, which may hold a secret, and it would follow
        # the proxies and .netrc of the environment to another receiver.
        async with httpx.AsyncHTTPTransport(verify=self._trusted, trust_env=False) as transport:
            answer = await transport.handle_async_request(post)
            await answer.aclose()
        if not answer.is_success:
            raise httpx.HTTPStatusError("not accepted", request=post, response=answer)

    @cached_property
    def _trusted(self) -> SSLContext:
        """Certifi's authorities, or SSL_CERT_FILE; reading them takes 20 ms."""
        import httpx

        return httpx.create_ssl_context()


class SimpleHTTPWebhookBackend(WebhookBackend):
    """A `WebhookBackend` that sends with an `HTTPSender`."""

    def __init__(
        self,
        outbound_url: str,
        callback_base_url: str = CALLBACK_URL,
        timeout_seconds: float = 300.0,
        headers: dict[str, str] | None = None,
        on_timeout: OnTimeout | None = None,
        *,
        secret: str | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        """With `secret`, callbacks to `receive` must be signed with it, too, unless another
        `verifier` is given."""
        sender = HTTPSender(outbound_url, headers, secret)
        if verifier is None and secret is not None:
            verifier = StandardWebhooks(secret)
        super().__init__(sender, timeout_seconds, callback_base_url, on_timeout, verifier=verifier)
        self.outbound_url = sender.outbound_url
        self.headers = sender.headers


def message(request: ApprovalRequest, callback_id: str, callback_url: str) -> dict[str, Any]:
    """What the receiver is told: the whole request, and where to answer."""
    action = request.action
    return {
        "callback_id": callback_id,
        "callback_url": callback_url,
        "run_id": request.run_id,
        "action": {
            **action.model_dump(),
            "summary": action.summary(),
            "digest": action.digest(),
        },
        "policy_name": request.policy_name,
        "policy_reason": request.policy_reason,
        "context": request.summary_context,
    }


def allowed_url(url: str) -> str:
    """`url`, if requests may be sent there. Raises ConfigError, which never quotes the url."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("outbound_url is no URL") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigError("outbound_url must begin with https://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigError("outbound_url must not hold a user, a password or a fragment")
    if not url.isascii() or any(char <= " " or char in '\\"<>' for char in url):
        raise ConfigError("outbound_url holds characters that do not belong into a URL")
    address = _address(host)
    if address is None and "[" in parts.netloc:
        raise ConfigError("outbound_url is no URL")
    local = host == "localhost" if address is None else address.is_loopback
    if parts.scheme == "http" and not local:
        raise ConfigError("outbound_url must be https, or http on this machine (127.0.0.1)")
    if address is not None and not local and (address.is_link_local or address.is_unspecified):
        raise ConfigError("outbound_url must not point at the machine's own network services")
    return url


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host given by number means; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2].lower()
        if not last.isdecimal() and not last.startswith("0x") and "%" not in host:
            return None  # 2130706433 and 0x7f.1 would be read as 127.0.0.1
    else:
        if isinstance(address, ipaddress.IPv4Address) or not _stands_for_another(address):
            return address
    raise ConfigError("outbound_url holds an address in an unusual form")


def _stands_for_another(address: ipaddress.IPv6Address) -> bool:
    """An IPv4 address in the clothes of IPv6, or an address with a zone."""
    tunnel = address.ipv4_mapped or address.sixtofour or address.teredo or address.scope_id
    return tunnel is not None or address in NAT64
