"""Requests, and senders that record what they are given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hitloop_tui.core.models import Action, ApprovalRequest


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
