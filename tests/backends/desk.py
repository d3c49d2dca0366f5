"""Requests, senders that record what they are given, and backends that store who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from hitloop_tui.backends import PersistentWebhookBackend, RetryConfig, WebhookBackend
from hitloop_tui.backends.callbacks import Verifier
from hitloop_tui.core.models import Action, ApprovalRequest, Decision
from hitloop_tui.persistence import SQLiteApprovalStore

FAST = RetryConfig(initial_delay=0.001, max_delay=0.002)


def a_request(**changes: Any) -> ApprovalRequest:
    action = {
        "tool_name": "send_email",
        "tool_args": {"to": "ann@example.com", "amount": 5},
        "risk_class": "high",
        "side_effects": ["email_sent"],
        "rationale": "she asked for it",
        "context_refs": ["doc:1"],
    }
    action |= changes
    return ApprovalRequest(
        run_id="run-1",
        action=Action(**action),
        summary_context="the third this week",
        policy_name="risk_based",
        policy_reason="high risk",
    )


def http(status: int, **headers: str) -> httpx.HTTPStatusError:
    """What a sender raises when the channel refuses."""
    request = httpx.Request("POST", "https://example.com")
    response = httpx.Response(status, request=request, headers=headers)
    return httpx.HTTPStatusError("no", request=request, response=response)


class Sender:
    """A `send_request` that remembers, and fails as often as told."""

    def __init__(self, *failures: Exception, then: Callable[[str], Any] | None = None) -> None:
        self.failures = list(failures)
        self.sent: list[tuple[ApprovalRequest, str, str]] = []
        self.then = then
        self._event = asyncio.Event()

    async def __call__(self, request: ApprovalRequest, callback_id: str, url: str) -> None:
        self.sent.append((request, callback_id, url))
        self._event.set()
        if self.failures:
            raise self.failures.pop(0)
        if self.then is not None:
            result = self.then(callback_id)
            if asyncio.iscoroutine(result):
                await result

    async def callback_id(self) -> str:
        """Of the newest request, once there is one."""
        await asyncio.wait_for(self._event.wait(), 5)
        self._event.clear()
        return self.sent[-1][1]


async def opened(
    path: Path, *failures: Exception, **options: Any
) -> tuple[PersistentWebhookBackend, Sender]:
    """What stores there, and quickly sends again what fails."""
    sender = Sender(*failures)
    store = await SQLiteApprovalStore.from_path(path)
    return PersistentWebhookBackend(sender, store, retry_config=FAST, **options), sender


async def left_waiting(path: Path, request: ApprovalRequest) -> str:
    """A process that asked and was stopped."""
    backend, sender = await opened(path)
    task = asyncio.create_task(backend.request_approval(request, thread_id="user-123"))
    callback_id = await sender.callback_id()
    task.cancel()
    await asyncio.wait([task])
    await backend.close()
    return callback_id


def asking(
    verifier: Verifier | None,
) -> tuple[WebhookBackend, Sender, asyncio.Task[Decision]]:
    """A question that waits for a callback."""
    sender = Sender()
    backend = WebhookBackend(sender, verifier=verifier)
    return backend, sender, asyncio.create_task(backend.request_approval(a_request()))
