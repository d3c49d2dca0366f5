"""A gate that asks over any approval backend, and the tool node behind it.

The backend is asked within the node, so the graph waits for the person and the process must live
that long. `interrupt_nodes` is for questions that outlive the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Literal, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig

from hitloop_tui.core.interfaces import (
    ApprovalBackend,
    HITLPolicy,
    PolicyVerdict,
    policy_verdict,
)
from hitloop_tui.core.models import Action, ApprovalRequest, Decision
from hitloop_tui.langgraph.answers import Refused
from hitloop_tui.langgraph.asked import Asked
from hitloop_tui.langgraph.asking import edit_verdict, with_approval
from hitloop_tui.langgraph.decided import (
    Update,
    decision_update,
    edit_record,
    log_proposed,
    policy_decision,
    policy_status,
    run_id_of,
    take_label,
)
from hitloop_tui.langgraph.execution import Place, current_place, run_to_end
from hitloop_tui.langgraph.interrupt_nodes import should_execute
from hitloop_tui.langgraph.plain import stable_action, state_values
from hitloop_tui.langgraph.question import recent_messages
from hitloop_tui.langgraph.telemetry import GateLogger
from hitloop_tui.langgraph.tool_node import ApprovedTools, Tool, create_interrupt_tool_node


class HITLState(TypedDict, total=False):
    """The state these nodes read and write; add your own keys by subclassing."""

    run_id: str
    proposed_action: Any
    """An Action or the same as a dict; the nodes write a dict."""
    approval_decision: dict[str, Any] | None
    """A Decision as plain data."""
    hitl_status: str
    tool_result: dict[str, Any] | None
    messages: list[Any]
    trace: list[dict[str, Any]]
    anomaly_signals: list[str]
    """Read by `AuditPlusEscalatePolicy`."""
    _audit_log: list[dict[str, Any]]
    """Past decisions, written and read by `AuditPlusEscalatePolicy`."""


def hitl_gate_node(
    policy: HITLPolicy,
    backend: ApprovalBackend,
    logger: GateLogger | None = None,
    channel: str = "unknown",
) -> BackendGate:
    """A node that reads `proposed_action` and writes `approval_decision` and `hitl_status`.

    `channel` names the backend in the telemetry. What a backend raises fails the node: an error is
    not an answer.
    """
    return BackendGate(policy, backend, logger, channel)


def execute_tool_node(
    tool_registry: Mapping[str, Tool] | Sequence[Tool],
    logger: GateLogger | None = None,
    require_approval: bool = True,
) -> ApprovedTools:
    """`create_interrupt_tool_node` for which a tool's failure is a result, not an exception."""
    return create_interrupt_tool_node(tool_registry, logger, require_approval, on_error="record")


class WorkflowNodes(TypedDict):
    """What `create_hitl_workflow_nodes` returns."""

    hitl_gate: BackendGate
    execute_tool: ApprovedTools


def create_hitl_workflow_nodes(
    policy: HITLPolicy,
    backend: ApprovalBackend,
    tool_registry: Mapping[str, Tool] | Sequence[Tool],
    logger: GateLogger | None = None,
) -> WorkflowNodes:
    """Both nodes, by the names `hitl_gate` and `execute_tool`."""
    return {
        "hitl_gate": hitl_gate_node(policy, backend, logger),
        "execute_tool": execute_tool_node(tool_registry, logger),
    }


def should_execute_condition(state: Any) -> Literal["execute", "skip"]:
    """`should_execute` under hitloop 0.5's name for this gate."""
    return should_execute(state)


class BackendGate(Runnable[Any, Update]):
    """The node itself, for sync and async graphs."""

    def __init__(
        self,
        policy: HITLPolicy,
        backend: ApprovalBackend,
        logger: GateLogger | None = None,
        channel: str = "unknown",
    ) -> None:
        self.policy = policy
        self.backend = backend
        self.logger = logger
        self.channel = channel
        self.name = "hitl_gate"

    def __call__(self, state: Any) -> Update:
        return self.invoke(state)

    @property
    def __wrapped_async__(self) -> Callable[[Any], Coroutine[Any, Any, Update]]:
        """The node as a coroutine function, under hitloop 0.5's name."""
        return self.ainvoke

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Update:  # noqa: A002 - the name is LangChain's
        update: Update = run_to_end(self.ainvoke(input, config))
        return update

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - the name is LangChain's
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Update:
        values = state_values(input)
        label = take_label(values)
        raw = values.get("proposed_action")
        if raw is None:
            return {"approval_decision": None, "tool_result": None, "hitl_status": "no_action"}
        place = current_place()
        action = stable_action(raw, place.scope)
        log_proposed(self.logger, values, action, label)
        verdict = policy_verdict(self.policy, action, values)
        if verdict.outcome == "ask":
            final, decision = await self._ask(action, verdict, values, place)
            status, channel = "human_decided", self.channel
        else:
            final, decision = action, policy_decision(action, verdict, self.policy.name, place)
            status, channel = policy_status(verdict), "auto"
        if self.logger:
            self.logger.log_approval_decided(run_id_of(values), decision, channel=channel)
        return decision_update(self.policy, values, action, final, decision, status)

    async def _ask(
        self, proposed: Action, verdict: PolicyVerdict, values: dict[str, Any], place: Place
    ) -> tuple[Action, Decision]:
        """What may run, and the decision that says so; several people are asked one by one."""
        started, approvals = time.perf_counter(), tuple[str, ...]()
        action, people = proposed, verdict.people
        while True:
            asked = Asked(action, verdict.reason, people, approvals)
            decision = await self._answer(asked, self._request(asked, values, place))
            if not decision.approved:
                break
            try:
                if decision.edited_args is not None:
                    edited = action.model_copy(update={"tool_args": decision.edited_args})
                    again = edit_verdict(self.policy, edited, values)
                    if again.outcome == "reject":
                        decision = policy_decision(action, again, self.policy.name, place)
                        break
                    approvals = () if edited.digest() != action.digest() else approvals
                    action, people = edited, max(people, again.people)
                if people > 1:
                    approvals = with_approval(approvals, decision.decided_by, people)
            except Refused as refusal:
                decision = _refused(action, str(refusal), "refused")
                break
            if people == 1 or len(approvals) == people:
                break
        waited = (time.perf_counter() - started) * 1000
        return action, _complete(decision, proposed, action, approvals, waited, place)

    def _request(self, asked: Asked, values: dict[str, Any], place: Place) -> ApprovalRequest:
        return ApprovalRequest(
            run_id=run_id_of(values),
            action=asked.action,
            thread_id=place.thread_id or None,
            summary_context="\n".join(recent_messages(values)),
            policy_name=self.policy.name,
            policy_reason=asked.reason,
            quorum=asked.people,
            approvals=list(asked.approvals),
        )

    async def _answer(self, asked: Asked, request: ApprovalRequest) -> Decision:
        """Raises what the backend raises: an error is not an answer."""
        digest = asked.action.digest()
        if self.logger:
            self.logger.log_approval_requested(request.run_id, request, channel=self.channel)
        try:
            decision = await self.backend.request_approval(request)
        except Exception as error:
            if self.logger:
                self.logger.log_error(request.run_id, error, {"action_id": request.action.id})
            raise
        return _about(asked.action, digest, decision)


def _about(action: Action, asked: str, decision: Decision) -> Decision:
    """The decision, if it is about this very call: an answer to another one is no approval.

    `asked` is the digest of the call as it was asked about; the agent may change it meanwhile.
    """
    same_call = decision.edited_args is not None or decision.digest in (None, asked)
    if decision.action_id == action.id and same_call and action.digest() == asked:
        return decision
    return _refused(action, "The answer is about another action.", "mismatch")


def _refused(action: Action, reason: str, why: str) -> Decision:
    return Decision(
        action_id=action.id, approved=False, reason=reason, tags=[why], decided_by=f"system:{why}"
    )


def _complete(
    decision: Decision,
    proposed: Action,
    final: Action,
    approvals: tuple[str, ...],
    waited_ms: float,
    place: Place,
) -> Decision:
    """The decision bound to its call, with who took part and how long it took.

    A backend that measures the person's own time is believed; one that does not says 0.
    """
    about = final if decision.approved else proposed
    several = decision.approved and bool(approvals)
    return decision.model_copy(
        update={
            "edited_args": None,
            **edit_record(proposed, about),
            "digest": about.digest(),
            "decided_by": ", ".join(approvals) if several else decision.decided_by,
            "approvals": list(approvals),
            "decided_in": place.address,
            "latency_ms": decision.latency_ms or waited_ms,
        }
    )
