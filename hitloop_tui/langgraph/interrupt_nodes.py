"""The gate: asks a person through LangGraph's `interrupt()` before an Action may run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.errors import GraphInterrupt

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict, policy_verdict
from hitloop_tui.core.models import Action, Decision
from hitloop_tui.errors import ConfigError
from hitloop_tui.langgraph.asking import Asked, Settled, ask_people
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
from hitloop_tui.langgraph.plain import stable_action, state_values
from hitloop_tui.langgraph.question import OnDeadline, question
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
        values, place = state_values(input), current_place()
        label = take_label(values)
        try:
            return self._decide(values, place, label)
        except GraphInterrupt as paused:
            self.notice.give(paused, values, place, label)
            raise

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - the name is LangChain's
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Update:
        values, place = state_values(input), current_place()
        label = take_label(values)
        try:
            return self._decide(values, place, label)
        except GraphInterrupt as paused:
            await self.notice.agive(paused, values, place, label)
            raise

    def _decide(self, values: dict[str, Any], place: Place, label: bool) -> Update:
        raw = values.get("proposed_action")
        if raw is None:
            return {"approval_decision": None, "hitl_status": "no_action"}
        action = stable_action(raw, place.scope)
        verdict = policy_verdict(self.policy, action, values)
        # A person who was asked is heard, even when the policy has been loosened meanwhile.
        if verdict.outcome == "ask" or place.answered:
            return self._asked(action, verdict, values, place)
        log_proposed(self.logger, values, action, label)
        return self._by_policy(action, verdict, values)

    def _asked(
        self, action: Action, verdict: PolicyVerdict, values: dict[str, Any], place: Place
    ) -> Update:
        settled = self._ask(action, verdict, values, place)
        decision = person_decision(action, settled, place)
        if decision.approved and verdict.outcome == "reject":
            reason = f"{verdict.reason} ({decision.decided_by} had approved it before.)"
            return self._by_policy(action, PolicyVerdict("reject", reason), values)
        if self.logger:
            self.logger.log_approval_decided(run_id_of(values), decision, channel="interrupt")
        final = settled.action
        return decision_update(self.policy, values, action, final, decision, "human_decided")

    def _by_policy(self, action: Action, verdict: PolicyVerdict, values: dict[str, Any]) -> Update:
        decision = policy_decision(action, verdict, self.policy.name)
        if self.logger:
            self.logger.log_approval_decided(run_id_of(values), decision, channel="auto")
        status = policy_status(verdict)
        return decision_update(self.policy, values, action, action, decision, status)

    def _ask(
        self, action: Action, verdict: PolicyVerdict, values: dict[str, Any], place: Place
    ) -> Settled:
        asked_at = place.asked_at
        deadline = asked_at + self.deadline if asked_at and self.deadline else None

        def pose(asked: Asked, error: str | None) -> list[dict[str, Any]]:
            signed = self.signers is not None
            return question(
                asked,
                self.policy.name,
                values,
                deadline,
                error,
                signed=signed,
                on_deadline=self.on_deadline,
            )

        def check(edited: Action) -> PolicyVerdict:
            return policy_verdict(self.policy, edited, values)

        ends = deadline if self.on_deadline == "reject" else None
        verify = Signatures(self.signers, ends).checked if self.signers else None
        return ask_people(Asked(action, verdict.reason, verdict.people), pose, check, verify)
