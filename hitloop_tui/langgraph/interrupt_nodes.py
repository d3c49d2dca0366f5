"""The gate: asks a person through LangGraph's `interrupt()` before an Action may run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.errors import GraphInterrupt

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict, policy_verdict
from hitloop_tui.core.models import Action, Decision
from hitloop_tui.errors import ConfigError
from hitloop_tui.langgraph.answers import CHANGED
from hitloop_tui.langgraph.asked import Asked
from hitloop_tui.langgraph.asking import Settled, ask_people, edit_verdict
from hitloop_tui.langgraph.decided import (
    Update,
    decision_update,
    log_proposed,
    person_decision,
    policy_decision,
    policy_status,
    run_id_of,
    take_label,
)
from hitloop_tui.langgraph.dialogue import Detail, Dialogue
from hitloop_tui.langgraph.execution import Place, current_place
from hitloop_tui.langgraph.guarded_tool import AnomalyValidator, RiskClassResolver, hitl_action
from hitloop_tui.langgraph.inbox_types import (
    ActionRequest,
    HITLInterruptPayload,
    HITLResumePayload,
    HumanInterrupt,
    HumanInterruptConfig,
    HumanResponse,
)
from hitloop_tui.langgraph.notice import InterruptCallback, Notice
from hitloop_tui.langgraph.plain import has_name, stable_action, state_values
from hitloop_tui.langgraph.question import OnDeadline, question
from hitloop_tui.langgraph.replay import aforget_answers, forget_answers
from hitloop_tui.langgraph.signed import Signatures, signers_file
from hitloop_tui.langgraph.telemetry import GateLogger
from hitloop_tui.langgraph.tool_node import create_interrupt_tool_node

__all__ = [
    "ActionRequest",
    "AnomalyValidator",
    "HITLInterruptPayload",
    "HITLResumePayload",
    "HumanInterrupt",
    "HumanInterruptConfig",
    "HumanResponse",
    "InterruptCallback",
    "InterruptGate",
    "RiskClassResolver",
    "create_interrupt_gate_node",
    "create_interrupt_tool_node",
    "hitl_action",
    "should_execute",
]


def create_interrupt_gate_node(
    policy: HITLPolicy,
    logger: GateLogger | None = None,
    on_interrupt: InterruptCallback | None = None,
    deadline: timedelta | None = None,
    allowed_signers: Path | str | None = None,
    on_deadline: OnDeadline = "leave",
) -> InterruptGate:
    """A node that reads `proposed_action` and writes `approval_decision` and `hitl_status`.

    The graph's state schema names all three, and the tool node's `tool_result`.
    `on_interrupt(payload, thread_id)`, sync or async, is called once per question, before the
    question is stored; after a crash in between it is called again. Its errors are logged and do
    not keep the question from being asked. `deadline` counts from the question. When it passes, a
    worker of the console does what `on_deadline` says: it rejects (by `system:timeout`, tagged
    `timeout`: nobody's no), escalates, or leaves the question as it is. With `allowed_signers`, a
    file as ssh-keygen(1) describes it with names as in `--as NAME`, only answers count that one of
    these people signed; where several must approve, each signs with a key of their own.
    """
    return InterruptGate(policy, logger, on_interrupt, deadline, allowed_signers, on_deadline)


def should_execute(state: Any) -> Literal["execute", "skip"]:
    """Conditional edge after the gate: `execute` what was approved, `skip` everything else."""
    decision = state_values(state).get("approval_decision")
    approved = decision.get("approved") if isinstance(decision, dict) else None
    if isinstance(decision, Decision):
        approved = decision.approved
    return "execute" if approved is True else "skip"


class InterruptGate(Runnable[Any, Update]):
    """The node itself, for sync and async graphs.

    It runs again on every resume, so everything up to the question is free of side effects, and
    whatever must happen once happens when `interrupt()` raises: only then is a question open.
    """

    def __init__(
        self,
        policy: HITLPolicy,
        logger: GateLogger | None = None,
        on_interrupt: InterruptCallback | None = None,
        deadline: timedelta | None = None,
        allowed_signers: Path | str | None = None,
        on_deadline: OnDeadline = "leave",
    ) -> None:
        if on_deadline not in get_args(OnDeadline):
            raise ConfigError(f"on_deadline: {on_deadline!r} is none of {get_args(OnDeadline)}")
        self.policy = policy
        self.logger = logger
        self.notice = Notice(logger, on_interrupt)
        self.deadline = deadline
        self.on_deadline = on_deadline
        self.signers = signers_file(allowed_signers)
        self.name = "hitl_gate"

    def __call__(self, state: Any) -> Update:
        return self.invoke(state)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Update:  # noqa: A002 - the name is LangChain's
        place = current_place()
        forget_answers(place)
        values, dialogue = state_values(input), Dialogue(place)
        label = take_label(values)
        try:
            return self._decide(values, dialogue, label)
        except GraphInterrupt as paused:
            self.notice.give(paused, dialogue, values, label)
            raise

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - the name is LangChain's
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Update:
        place = current_place()
        await aforget_answers(place)
        values, dialogue = state_values(input), Dialogue(place)
        label = take_label(values)
        try:
            return self._decide(values, dialogue, label)
        except GraphInterrupt as paused:
            await self.notice.agive(paused, dialogue, values, label)
            raise

    def _decide(self, values: dict[str, Any], dialogue: Dialogue, label: bool) -> Update:
        raw = values.get("proposed_action")
        if raw is None:
            return {"approval_decision": None, "hitl_status": "no_action"}
        action = _named(stable_action(raw, dialogue.place.scope), raw, dialogue.open)
        verdict = policy_verdict(self.policy, action, values)
        if _is_for_people(verdict, dialogue):
            return self._asked(action, verdict, values, dialogue)
        log_proposed(self.logger, values, action, label)
        return self._by_policy(action, verdict, values, dialogue.place)

    def _asked(
        self, action: Action, verdict: PolicyVerdict, values: dict[str, Any], dialogue: Dialogue
    ) -> Update:
        place = dialogue.place
        settled = self._ask(action, verdict, values, dialogue)
        decision = person_decision(action, settled, place, place.asked_at)
        if decision.approved and verdict.outcome == "reject":
            reason = f"{verdict.reason} ({decision.decided_by} had approved it before.)"
            return self._by_policy(action, PolicyVerdict("reject", reason), values, place)
        if self.logger:
            self.logger.log_approval_decided(run_id_of(values), decision, channel="interrupt")
        final = settled.action
        return decision_update(self.policy, values, action, final, decision, "human_decided")

    def _by_policy(
        self, action: Action, verdict: PolicyVerdict, values: dict[str, Any], place: Place
    ) -> Update:
        decision = policy_decision(action, verdict, self.policy.name, place)
        if self.logger:
            self.logger.log_approval_decided(run_id_of(values), decision, channel="auto")
        status = policy_status(verdict)
        return decision_update(self.policy, values, action, action, decision, status)

    def _ask(
        self, action: Action, verdict: PolicyVerdict, values: dict[str, Any], dialogue: Dialogue
    ) -> Settled:
        asked_at = dialogue.place.asked_at
        deadline = asked_at + self.deadline if asked_at and self.deadline else None

        def pose(asked: Asked, error: str | None, answered: list[str]) -> list[dict[str, Any]]:
            return question(
                asked,
                self.policy.name,
                values,
                deadline=deadline,
                on_deadline=self.on_deadline,
                error=error,
                answered=answered,
                signed=self.signers is not None,
            )

        def check(edited: Action) -> PolicyVerdict:
            return edit_verdict(self.policy, edited, values)

        asked = _asked_before(Asked(action, verdict.reason, verdict.people), verdict, dialogue)
        error = CHANGED if dialogue.answered and not dialogue.knows(asked) else None
        ends = deadline if self.on_deadline == "reject" else None
        verify = Signatures(self.signers, ends).checked if self.signers else None
        return ask_people(asked, dialogue, pose, check, error, verify)


def _named(action: Action, raw: Any, held: Detail | None) -> Action:
    """The Action under the name it was asked about.

    A graph whose state is a pydantic model makes a new Action, with a new id, of the same dict for
    every execution.
    """
    if held is None or has_name(raw) or Asked(action, "").digest != held["digest"]:
        return action
    return action.model_copy(update={"id": held["action"]["id"]})


def _is_for_people(verdict: PolicyVerdict, dialogue: Dialogue) -> bool:
    """The policy may have changed since somebody was asked: the question stays, and their no."""
    match verdict.outcome:
        case "ask":
            return True
        case "auto_approve":
            return dialogue.open is not None
        case "reject":
            return dialogue.answered


def _asked_before(asked: Asked, verdict: PolicyVerdict, dialogue: Dialogue) -> Asked:
    """The question, no weaker than it was asked before: the policy may have been loosened since."""
    held = dialogue.open
    if held is None:
        return asked
    reason = asked.reason if verdict.outcome == "ask" else held["policy_reason"]
    return replace(asked, reason=reason, people=max(asked.people, held.get("quorum", 1)))
