"""Asking by an HTTP POST to one fixed address."""

from __future__ import annotations

from functools import cached_property
from ssl import SSLContext
from typing import Any

from hitloop_tui.backends.asking import OnTimeout
from hitloop_tui.backends.callbacks import Verifier
from hitloop_tui.backends.outbound import allowed_url, check_peer
from hitloop_tui.backends.standard_webhooks import StandardWebhooks, key_of, sign
from hitloop_tui.backends.webhook_backend import CALLBACK_URL, WebhookBackend
from hitloop_tui.core.models import ApprovalRequest
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.errors import ConfigError

POST_SECONDS = 10.0


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
            extensions={
                "timeout": httpx.Timeout(POST_SECONDS).as_dict(),
                "trace": self._look_where_it_goes,
            },
        )
        # Not a client: it would log the address, which may hold a secret, and it would follow
        # the proxies and .netrc of the environment to another receiver.
        async with httpx.AsyncHTTPTransport(verify=self._trusted, trust_env=False) as transport:
            answer = await transport.handle_async_request(post)
            await answer.aclose()
        if not answer.is_success:
            raise httpx.HTTPStatusError("not accepted", request=post, response=answer)

    async def _look_where_it_goes(self, event: str, about: dict[str, Any]) -> None:
        """Connected, and nothing sent yet. https://www.encode.io/httpcore/extensions/#trace"""
        if event != "connection.connect_tcp.complete":
            return
        stream = about["return_value"]
        try:
            check_peer(self.outbound_url, stream.get_extra_info("server_addr")[0])
        except ConfigError:
            await stream.aclose()
            raise

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
