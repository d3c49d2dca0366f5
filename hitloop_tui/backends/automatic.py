"""Backends without a person: baselines, tests, replays."""

from __future__ import annotations

import asyncio
import time

from hitloop_tui.backends.outcomes import decided
from hitloop_tui.core.interfaces import ApprovalBackend
from hitloop_tui.core.models import ApprovalRequest, Decision
from hitloop_tui.errors import BadInput


class _Automatic(ApprovalBackend):
    """Decides by itself after `delay_ms`."""

    def __init__(self, delay_ms: float = 0.0) -> None:
        if not delay_ms >= 0:
            raise BadInput(f"a delay of {delay_ms} ms")
        self.delay_ms = delay_ms

    def _choose(self) -> tuple[bool, str, str]:
        """Approved, why, and by whom."""
        raise NotImplementedError

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        started = time.perf_counter()
        approved, reason, by = self._choose()
        while (left := self.delay_ms / 1000 - (time.perf_counter() - started)) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)  # may wake a little early
        decision = decided(request.action, approved, reason, by)
        decision.latency_ms = (time.perf_counter() - started) * 1000
        return decision


class AutoApproveBackend(_Automatic):
    """Approves everything: the baseline without oversight."""

    def _choose(self) -> tuple[bool, str, str]:
        return True, "Auto-approved (no human in loop)", "auto"


class AutoRejectBackend(_Automatic):
    """Rejects everything."""

    def _choose(self) -> tuple[bool, str, str]:
        return False, "Auto-rejected (testing mode)", "auto"


class ScriptedBackend(_Automatic):
    """Gives prepared answers in order, then `default_approve`."""

    def __init__(
        self,
        decisions: list[bool] | None = None,
        delay_ms: float = 0.0,
        default_approve: bool = True,
    ) -> None:
        super().__init__(delay_ms)
        self.decisions = list(decisions or ())
        self.default_approve = default_approve
        self._next = 0

    def _choose(self) -> tuple[bool, str, str]:
        if self._next >= len(self.decisions):
            return self.default_approve, "Script is over; default decision", "scripted"
        self._next += 1
        approved = self.decisions[self._next - 1]
        return approved, f"Scripted decision #{self._next}", "scripted"

    def reset(self) -> None:
        """Begin again with the first answer."""
        self._next = 0
