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
from hitloop_tui.langgraph.execution import Place, awas_asked, run_to_end, was_asked
from hitloop_tui.langgraph.question import recent_messages
from hitloop_tui.langgraph.telemetry import GateLogger

InterruptCallback = Callable[[dict[str, Any], str], Any]

log = logging.getLogger(__name__)


class Notice:
    """`on_interrupt(payload, thread_id)` and the telemetry of a question.

    Called when `interrupt()` raises: only then is a question open, and a question that the
    checkpointer already holds was announced before.
    """

    def __init__(self, logger: GateLogger | None, on_interrupt: InterruptCallback | None) -> None:
        self.logger = logger
        self.on_interrupt = on_interrupt

    def give(
        self, paused: GraphInterrupt, values: dict[str, Any], place: Place, label: bool = False
    ) -> None:
        asked = _only(paused)
        if self._silent or was_asked(place, asked.id):
            return
        notice = self._announce(asked, values, place, label)
        if inspect.isawaitable(notice):
            run_to_end(_quietly(notice))

    async def agive(
        self, paused: GraphInterrupt, values: dict[str, Any], place: Place, label: bool = False
    ) -> None:
        """`give` for an async graph."""
        asked = _only(paused)
        if self._silent or await awas_asked(place, asked.id):
            return
        notice = self._announce(asked, values, place, label)
        if inspect.isawaitable(notice):
            await _quietly(notice)

    @property
    def _silent(self) -> bool:
        return self.on_interrupt is None and self.logger is None

    def _announce(self, asked: Interrupt, values: dict[str, Any], place: Place, label: bool) -> Any:
        payload = asked.value[0]
        self._log_question(payload["hitloop"], values, label)
        if self.on_interrupt is None:
            return None
        try:
            return self.on_interrupt(payload, place.thread_id)
        except Exception:
            log.exception("on_interrupt failed; the question is asked all the same")
            return None

    def _log_question(self, detail: dict[str, Any], values: dict[str, Any], label: bool) -> None:
        if self.logger is None:
            return
        action, run_id = Action.model_validate(detail["action"]), run_id_of(values)
        request = ApprovalRequest(
            run_id=run_id,
            action=action,
            summary_context="\n".join(recent_messages(values)),
            policy_name=detail["policy"],
            policy_reason=detail["policy_reason"],
            quorum=detail.get("quorum", 1),
            approvals=detail.get("approvals", []),
        )
        if not detail.get("approvals") and not detail.get("error"):
            log_proposed(self.logger, values, action, label)
        self.logger.log_approval_requested(run_id, request, channel="interrupt")


def _only(paused: GraphInterrupt) -> Interrupt:
    asked: Interrupt = paused.args[0][0]
    return asked


async def _quietly(notice: Any) -> None:
    try:
        await notice
    except Exception:
        log.exception("on_interrupt failed; the question is asked all the same")
