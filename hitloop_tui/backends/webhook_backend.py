"""Asking over any service that can show a message and call back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from hitloop_tui.backends import outcomes
from hitloop_tui.backends.asking import Asked, OnTimeout, StoredBackend
from hitloop_tui.backends.callbacks import Reply, Verifier, answer
from hitloop_tui.backends.outcomes import not_sent
from hitloop_tui.backends.waiting import Waiter
from hitloop_tui.core.models import ApprovalRequest, Decision
from hitloop_tui.persistence import ApprovalStore, InMemoryApprovalStore

SendRequest: TypeAlias = Callable[[ApprovalRequest, str, str], Awaitable[None]]

CALLBACK_URL = "http://localhost:8000/hitloop/callback"
SEND_SECONDS = 60.0


class WebhookBackend(StoredBackend):
    """Hands each request to `send_request` and waits for a callback, in this process."""

    def __init__(
        self,
        send_request: SendRequest,
        timeout_seconds: float = 300.0,
        callback_base_url: str = CALLBACK_URL,
        on_timeout: OnTimeout | None = None,
        *,
        verifier: Verifier | None = None,
        store: ApprovalStore | None = None,
    ) -> None:
        """`timeout_seconds` 0 waits for ever. `verifier` checks what `receive` is given."""
        store = InMemoryApprovalStore() if store is None else store
        super().__init__(store, timeout_seconds, on_timeout)
        self.send_request = send_request
        self.callback_base_url = callback_base_url.rstrip("/")
        self.verifier = verifier

    async def handle_callback(
        self,
        callback_id: str,
        approved: bool,
        reason: str = "",
        decided_by: str = "human",
        tags: list[str] | None = None,
    ) -> bool:
        """Record a decision that the caller vouches for; True if it is the one that counts.

        `decided_by` is believed. For a callback from outside use `receive`, which verifies it.
        """
        resolution = await self.resolve(callback_id, approved, reason, decided_by, tags)
        return resolution.accepted

    async def receive(
        self, headers: Mapping[str, str], body: bytes, callback_id: str | None = None
    ) -> Reply:
        """Answer a callback from outside: an HTTP status and JSON to send back.

        Nothing in it is believed before the verifier has seen headers and raw body.
        """
        return await answer(self, self.verifier, headers, body, callback_id)

    def get_pending_count(self) -> int:
        """How many requests somebody in this process waits for."""
        return len(self._asking)

    def get_pending_requests(self) -> list[tuple[str, ApprovalRequest]]:
        """Callback id and request of everything somebody in this process waits for."""
        return list(self._asking.items())

    async def cancel_pending(self, callback_id: str, reason: str = "Cancelled") -> bool:
        """Withdraw a request; False if it is unknown or decided already."""
        by = outcomes.DECIDED_BY[outcomes.CANCELLED]
        return await self.handle_callback(callback_id, False, reason, by, [outcomes.CANCELLED])

    async def _send(self, asked: Asked, waiter: Waiter) -> Decision | None:
        try:
            await waiter.send(SEND_SECONDS, self._send_once(asked))
        except Exception as error:
            return not_sent(asked.request, error)
        return None

    async def _send_once(self, asked: Asked) -> None:
        callback_id = asked.record.callback_id
        url = f"{self.callback_base_url}/{callback_id}"
        await self.send_request(asked.request, callback_id, url)
