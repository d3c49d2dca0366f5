"""Asking on the terminal that the agent itself runs in."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from hitloop_tui.backends import outcomes
from hitloop_tui.backends.automatic import AutoApproveBackend, AutoRejectBackend, ScriptedBackend
from hitloop_tui.backends.card import card
from hitloop_tui.backends.lines import Lines, from_terminal
from hitloop_tui.backends.outcomes import by_system, decided
from hitloop_tui.core.interfaces import ApprovalBackend, ApprovalCancelledError
from hitloop_tui.core.models import ApprovalRequest, Decision
from hitloop_tui.plain_rows import terminal_width

__all__ = ["AutoApproveBackend", "AutoRejectBackend", "CLIBackend", "ScriptedBackend"]

ANSWERS = {"y": True, "yes": True, "1": True, "true": True}
ANSWERS |= {"n": False, "no": False, "0": False, "false": False}

QUESTION = "Approve this action? (y/n): "
WHY = "Reason (optional, press Enter to skip): "
TURN_SECONDS = 0.02

T = TypeVar("T")


class CLIBackend(ApprovalBackend):
    """Shows the request, asks yes or no, and why. One question is on the screen at a time."""

    def __init__(
        self,
        auto_approve: bool = False,
        auto_approve_delay_ms: float = 0.0,
        timeout_seconds: float = 0.0,
        input_func: Callable[[], str] | None = None,
        output_func: Callable[[str], None] | None = None,
    ) -> None:
        """`timeout_seconds` 0 waits for ever."""
        self.auto_approve = auto_approve
        self.auto_approve_delay_ms = auto_approve_delay_ms
        self.timeout_seconds = timeout_seconds
        self._lines = Lines(input_func or from_terminal)
        self._output_func = output_func or print
        self._turn = threading.Lock()  # not of asyncio: graphs ask from several event loops

    async def request_approval(self, request: ApprovalRequest) -> Decision:
        """Ctrl-C ends the program as it always does. Raises ApprovalCancelledError when an
        `input_func` of your own raises KeyboardInterrupt."""
        if self.auto_approve:
            return await self._approve(request)
        async with self._my_turn():
            self._output_func(card(request, self._width()))
            self._lines.forget_typed()
            return await self._ask(request)

    def _width(self) -> int | None:
        """Cells of the terminal that the card is printed on."""
        return terminal_width() if self._output_func is print else None

    async def _ask(self, request: ApprovalRequest) -> Decision:
        started = time.monotonic()
        end = started + self.timeout_seconds if self.timeout_seconds > 0 else None
        try:
            approved = await _until(end, self._yes_or_no())
        except TimeoutError:
            reason = f"Timeout after {self.timeout_seconds}s"
            self._output_func(f"\n{reason} - rejecting")
            decision = by_system(request, outcomes.TIMEOUT, reason)
        except EOFError:
            decision = by_system(request, outcomes.NO_INPUT, "The input ended without an answer")
        except KeyboardInterrupt:
            raise ApprovalCancelledError("User cancelled approval") from None
        else:
            decision = decided(request.action, approved, "", "cli:human")
        decision.latency_ms = (time.monotonic() - started) * 1000
        if decision.decided_by == "cli:human":
            said = await self._why(end)
            decision.reason = said or ("Approved" if decision.approved else "Rejected")
        return decision

    async def _yes_or_no(self) -> bool:
        while True:
            self._output_func(QUESTION)
            answer = (await self._lines.next()).strip().lower()
            if answer in ANSWERS:
                return ANSWERS[answer]
            self._output_func("Please enter 'y' or 'n'")

    async def _why(self, end: float | None) -> str:
        self._output_func(WHY)
        try:
            return (await _until(end, self._lines.next())).strip()
        except (TimeoutError, EOFError, KeyboardInterrupt):
            return ""

    async def _approve(self, request: ApprovalRequest) -> Decision:
        decision = await AutoApproveBackend(self.auto_approve_delay_ms).request_approval(request)
        return decision.model_copy(update={"reason": "Auto-approved", "decided_by": "cli:auto"})

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        while not self._turn.acquire(blocking=False):  # noqa: ASYNC110 - no event is of all loops
            await asyncio.sleep(TURN_SECONDS)
        try:
            yield
        finally:
            self._turn.release()


async def _until(end: float | None, answer: Awaitable[T]) -> T:
    seconds = None if end is None else max(0.0, end - time.monotonic())
    return await asyncio.wait_for(answer, seconds)
