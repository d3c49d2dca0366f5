"""Telling the outside world about a question that was just asked, once."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

from langgraph.errors import GraphInterrupt
from langgraph.types import Interrupt

from hitloop_tui.core.models import Action, ApprovalRequest
from hitloop_tui.langgraph.decided import log_proposed, run_id_of
from hitloop_tui.langgraph.dialogue import Detail, Dialogue
from hitloop_tui.langgraph.execution import run_to_end
from hitloop_tui.langgraph.question import recent_messages
from hitloop_tui.langgraph.telemetry import GateLogger

InterruptCallback = Callable[[dict[str, Any], str], Any]

log = logging.getLogger(__name__)


class Notice:
    """`on_interrupt(payload, thread_id)` and the telemetry of a question.

    Called when `interrupt()` raises: only then is a question open, and a question that was open
    before this run was announced by an earlier one.
    """

    def __init__(self, logger: GateLogger | None, on_interrupt: InterruptCallback | None) -> None:
        self.logger = logger
        self.on_interrupt = on_interrupt

    def give(
        self,
        paused: GraphInterrupt,
        dialogue: Dialogue,
        values: dict[str, Any],
        label: bool = False,
    ) -> None:
        notice = self._announce(paused, dialogue, values, label)
        if inspect.isawaitable(notice):
            run_to_end(_quietly(notice))

    async def agive(
        self,
        paused: GraphInterrupt,
        dialogue: Dialogue,
        values: dict[str, Any],
        label: bool = False,
    ) -> None:
        """`give` for an async graph."""
        notice = self._announce(paused, dialogue, values, label)
        if inspect.isawaitable(notice):
            await _quietly(notice)

    def _announce(
        self, paused: GraphInterrupt, dialogue: Dialogue, values: dict[str, Any], label: bool
    ) -> Any:
        asked: Interrupt = paused.args[0][0]
        if asked.id == dialogue.open_id:
            return None
        payload, thread_id = asked.value[0], dialogue.place.thread_id
        if self.logger:
            self._log_question(self.logger, payload["hitloop"], values, thread_id, label)
        if self.on_interrupt is None:
            return None
        try:
            return self.on_interrupt(payload, thread_id)
        except Exception:
            log.exception("on_interrupt failed; the question is asked all the same")
            return None

    def _log_question(
        self,
        logger: GateLogger,
        detail: Detail,
        values: dict[str, Any],
        thread_id: str,
        label: bool,
    ) -> None:
        action, run_id = Action.model_validate(detail["action"]), run_id_of(values)
        request = ApprovalRequest(
            run_id=run_id,
            action=action,
            thread_id=thread_id,
            summary_context="\n".join(recent_messages(values)),
            policy_name=detail["policy"],
            policy_reason=detail["policy_reason"],
            quorum=detail.get("quorum", 1),
            approvals=detail.get("approvals", []),
        )
        if not detail.get("approvals") and not detail.get("error"):
            log_proposed(logger, values, action, label)
        logger.log_approval_requested(run_id, request, channel="interrupt")


async def _quietly(notice: Any) -> None:
    try:
        await notice
    except Exception:
        log.exception("on_interrupt failed; the question is asked all the same")
