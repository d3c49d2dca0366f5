"""The gate: asks a person through LangGraph's `interrupt()` before an Action may run."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.errors import GraphInterrupt
from langgraph.types import Interrupt, interrupt

from hitloop_tui.core.interfaces import HITLPolicy
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, RiskClass
from hitloop_tui.langgraph.answers import Answer, Refused, read_answer
from hitloop_tui.langgraph.execution import (
    Place,
    awas_asked,
    current_place,
    run_to_end,
    was_asked,
)
from hitloop_tui.langgraph.plain import dump_action, dump_decision, stable_action, state_values
from hitloop_tui.langgraph.question import question, recent_messages
from hitloop_tui.langgraph.telemetry import GateLogger

InterruptCallback = Callable[[dict[str, Any], str], Any]
Update = dict[str, Any]

log = logging.getLogger(__name__)

REASONS = {
    "approve": "Approved.",
    "edit": "Approved with edited arguments.",
    "reject": "Rejected.",
    "respond": "Answered instead of running the tool.",
    "ignore": "Ignored.",
}


def create_interrupt_gate_node(
    policy: HITLPolicy,
    logger: GateLogger | None = None,
    on_interrupt: InterruptCallback | None = None,
    deadline: timedelta | None = None,
) -> InterruptGate:
    """A node that reads `proposed_action` and writes `approval_decision` and `hitl_status`.

    The graph's state schema names all three, and the tool node's `tool_result`.
    `on_interrupt(payload, thread_id)`, sync or async, is called once per question, before the
    question is stored; after a crash in between it is called again. Its errors are logged and do
    not keep the question from being asked. `deadline` counts from the question and is only shown:
    what happens when it passes is not the gate's to decide.
    """
    return InterruptGate(policy, logger, on_interrupt, deadline)


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
    ) -> None:
        self.policy = policy
        self.logger = logger
        self.on_interrupt = on_interrupt
        self.deadline = deadline
        self.name = "hitl_gate"

    def __call__(self, state: Any) -> Update:
        return self.invoke(state)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Update:  # noqa: A002 - the name is LangChain's
        values, place = state_values(input), current_place()
        try:
            return self._decide(values, place)
        except GraphInterrupt as paused:
            asked = _only(paused)
            if self._silent or was_asked(place, asked.id):
                raise
            notice = self._announce(asked, values, place)
            if inspect.isawaitable(notice):
                run_to_end(_quietly(notice))
            raise

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - the name is LangChain's
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Update:
        values, place = state_values(input), current_place()
        try:
            return self._decide(values, place)
        except GraphInterrupt as paused:
            asked = _only(paused)
            if self._silent or await awas_asked(place, asked.id):
                raise
            notice = self._announce(asked, values, place)
            if inspect.isawaitable(notice):
                await _quietly(notice)
            raise

    @property
    def _silent(self) -> bool:
        return self.on_interrupt is None and self.logger is None

    def _decide(self, values: dict[str, Any], place: Place) -> Update:
        raw = values.get("proposed_action")
        if raw is None:
            return {"approval_decision": None, "hitl_status": "no_action"}
        action = stable_action(raw, place.scope)
        needed, reason = self.policy.should_request_approval(action, values)
        # A person who was asked is heard, even when the policy has been loosened meanwhile.
        if needed or place.answered:
            final, answer = self._ask(action, reason, values, place)
            decision = _decision(action, final, answer, place)
            return self._update(values, final, decision, "human_decided")
        if self.logger:
            self.logger.log_action_proposed(_run_id(values), action)
        by = f"policy:{self.policy.name}"
        digest = action.digest()
        decision = Decision(
            action_id=action.id, approved=True, reason=reason, decided_by=by, digest=digest
        )
        return self._update(values, action, decision, "auto_approved")

    def _ask(
        self, action: Action, reason: str, values: dict[str, Any], place: Place
    ) -> tuple[Action, Answer]:
        """What may run, and the answer that says so.

        A refused answer leads to the same question again, with the refusal in it: raising instead
        would store the bad answer for good, and every later one would be ignored.
        """
        asked_at, error = place.asked_at, None
        deadline = asked_at + self.deadline if asked_at and self.deadline else None
        while True:
            asked = question(action, self.policy.name, reason, values, deadline, error)
            value = interrupt(asked)
            try:
                answer = read_answer(value, action)
            except Refused as refusal:
                error = str(refusal)
                continue
            if answer.verdict != "edit":
                return action, answer
            edited = _edited(action, answer)
            if edited.tool_name == action.tool_name:
                return edited, answer
            needed, why = self.policy.should_request_approval(edited, values)
            if not needed:
                return edited, answer
            reason = f"A person changed the tool from {action.tool_name}. {why}"
            action, error = edited, None

    def _update(
        self, values: dict[str, Any], action: Action, decision: Decision, status: str
    ) -> Update:
        if self.logger:
            channel = "interrupt" if status == "human_decided" else "auto"
            self.logger.log_approval_decided(_run_id(values), decision, channel=channel)
        after = self.policy.post_decision_update(dict(values), action, decision)
        # Only what the policy changed: returning all of it would append every list that a
        # reducer keeps to itself.
        changed = {k: v for k, v in after.items() if k not in values or v is not values[k]}
        update = {
            **changed,
            "approval_decision": dump_decision(decision),
            "hitl_status": status,
        }
        if decision.approved and _differs(values["proposed_action"], action):
            update["proposed_action"] = dump_action(action)
        return update

    def _announce(self, asked: Interrupt, values: dict[str, Any], place: Place) -> Any:
        payload = asked.value[0]
        if self.logger:
            self._log_question(payload["hitloop"], values)
        if self.on_interrupt is None:
            return None
        try:
            return self.on_interrupt(payload, place.thread_id)
        except Exception:
            log.exception("on_interrupt failed; the question is asked all the same")
            return None

    def _log_question(self, detail: dict[str, Any], values: dict[str, Any]) -> None:
        assert self.logger is not None
        action, run_id = Action.model_validate(detail["action"]), _run_id(values)
        request = ApprovalRequest(
            run_id=run_id,
            action=action,
            summary_context="\n".join(recent_messages(values)),
            policy_name=detail["policy"],
            policy_reason=detail["policy_reason"],
        )
        self.logger.log_action_proposed(run_id, action)
        self.logger.log_approval_requested(run_id, request, channel="interrupt")


def _edited(action: Action, answer: Answer) -> Action:
    """The Action after an edit. What was said about one tool says nothing about another one."""
    if answer.tool_name in (None, action.tool_name):
        return action.model_copy(update={"tool_args": answer.args})
    call = {"tool_name": answer.tool_name, "tool_args": answer.args, "risk_class": RiskClass.HIGH}
    return stable_action(call, action.id)


def _decision(proposed: Action, final: Action, answer: Answer, place: Place) -> Decision:
    approved = answer.verdict in ("approve", "edit")
    about = final if approved else proposed
    edited = about.digest() != proposed.digest()
    call = {"tool_name": proposed.tool_name, "tool_args": proposed.tool_args}
    return Decision(
        action_id=about.id,
        approved=approved,
        reason=answer.text or answer.response or REASONS[answer.verdict],
        tags=[*answer.tags, answer.verdict],
        decided_by=answer.decided_by,
        latency_ms=_latency_ms(place.asked_at, answer.decided_at),
        edited_args=about.tool_args if edited else None,
        proposed=call if edited else None,
        response=answer.response,
        digest=about.digest(),
    )


def _latency_ms(asked_at: datetime | None, decided_at: datetime | None) -> float:
    """0.0 means unknown. Without a `decided_at` the answer counts as given just now."""
    if asked_at is None:
        return 0.0
    waited = (decided_at or datetime.now(UTC)) - asked_at
    return max(0.0, waited.total_seconds() * 1000)


def _differs(raw: Any, action: Action) -> bool:
    """Whether the state must be written: the call was edited, or had no id yet."""
    before = raw if isinstance(raw, Action) else stable_action(raw, "")
    return before.id != action.id or before.digest() != action.digest()


def _run_id(values: dict[str, Any]) -> str:
    return str(values.get("run_id") or "unknown")


def _only(paused: GraphInterrupt) -> Interrupt:
    asked: Interrupt = paused.args[0][0]
    return asked


async def _quietly(notice: Any) -> None:
    try:
        await notice
    except Exception:
        log.exception("on_interrupt failed; the question is asked all the same")
