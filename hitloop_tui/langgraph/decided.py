"""What a gate writes once a call is decided: the Decision, and the state's update."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.core.models import Action, Decision
from hitloop_tui.langgraph.asking import Settled
from hitloop_tui.langgraph.execution import Place
from hitloop_tui.langgraph.plain import dump_action, dump_decision, has_name
from hitloop_tui.langgraph.telemetry import GateLogger

Update = dict[str, Any]

LABEL = "_injected_error"
"""Ground truth of an experiment in the state: for the telemetry, never for policies or people."""

REASONS = {
    "approve": "Approved.",
    "edit": "Approved with edited arguments.",
    "reject": "Rejected.",
    "respond": "Answered instead of running the tool.",
    "ignore": "Ignored.",
}


def person_decision(
    proposed: Action, settled: Settled, place: Place, asked_at: datetime | None
) -> Decision:
    answer = settled.answer
    approved = answer.verdict in ("approve", "edit")
    about = settled.action if approved else proposed
    several = approved and bool(settled.approvals)
    return Decision(
        action_id=about.id,
        approved=approved,
        reason=answer.text or answer.response or REASONS[answer.verdict],
        tags=[*answer.tags, answer.verdict],
        decided_by=", ".join(settled.approvals) if several else answer.decided_by,
        latency_ms=_latency_ms(asked_at, answer.decided_at),
        response=answer.response,
        digest=about.digest(),
        approvals=list(settled.approvals),
        decided_in=place.address,
        **edit_record(proposed, about),
    )


def edit_record(proposed: Action, final: Action) -> dict[str, Any]:
    """The fields of a Decision that keep an edit next to its original."""
    if final is proposed or final.digest() == proposed.digest():
        return {}
    call = {"tool_name": proposed.tool_name, "tool_args": proposed.tool_args}
    return {"edited_args": final.tool_args, "proposed": call}


def policy_decision(
    action: Action, verdict: PolicyVerdict, policy_name: str, place: Place
) -> Decision:
    """The policy's own decision, where nobody was asked or nobody could change it."""
    return Decision(
        action_id=action.id,
        approved=verdict.outcome == "auto_approve",
        reason=verdict.reason,
        decided_by=f"policy:{policy_name}",
        digest=action.digest(),
        decided_in=place.address,
    )


def policy_status(verdict: PolicyVerdict) -> str:
    return "auto_approved" if verdict.outcome == "auto_approve" else "auto_rejected"


def decision_update(
    policy: HITLPolicy,
    values: dict[str, Any],
    proposed: Action,
    final: Action,
    decision: Decision,
    status: str,
) -> Update:
    """The state's update. Of what the policy's hook returns only the changes: returning all of it
    would append every list that a reducer keeps to itself."""
    after = policy.post_decision_update(dict(values), final, decision)
    changed = {k: v for k, v in after.items() if k not in values or v is not values[k]}
    update = {**changed, "approval_decision": dump_decision(decision), "hitl_status": status}
    raw = values["proposed_action"]
    nameless = not isinstance(raw, Action) and not has_name(raw)
    if decision.approved and (final is not proposed or nameless):
        update["proposed_action"] = dump_action(final)
    return update


def log_proposed(
    logger: GateLogger | None, values: Mapping[str, Any], action: Action, label: bool
) -> None:
    if logger:
        logger.log_action_proposed(run_id_of(values), action, injected_error=label)


def take_label(values: dict[str, Any]) -> bool:
    """Whether the state calls this Action an injected error; it is not told to anybody else."""
    return bool(values.pop(LABEL, False))


def run_id_of(values: Mapping[str, Any]) -> str:
    return str(values.get("run_id") or "unknown")


def _latency_ms(asked_at: datetime | None, decided_at: datetime | None) -> float:
    """0.0 means unknown. Without a `decided_at` the answer counts as given just now."""
    if asked_at is None:
        return 0.0
    waited = (decided_at or datetime.now(UTC)) - asked_at
    return max(0.0, waited.total_seconds() * 1000)
