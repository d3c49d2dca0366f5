"""The blocks of hitloop's page about models, policies, gates and telemetry, with the new name."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

import hitloop_tui
from hitloop_tui import core

MODELS = """
from hitloop_tui import Action, Decision, RiskClass

action = Action(
    tool_name="send_email",
    tool_args={"recipient": "dana@halden.example", "subject": "Hello"},
    risk_class=RiskClass.MEDIUM,
    side_effects=["email_sent"],
    rationale="Sending follow-up email to client",
)
decision = Decision(
    action_id=action.id,
    approved=True,
    reason="Verified recipient is correct",
    decided_by="human:operator",
    latency_ms=1500.0,
)
"""
POLICIES = """
from hitloop_tui import AlwaysApprovePolicy, RiskBasedPolicy, AuditPlusEscalatePolicy

policy = AlwaysApprovePolicy()
policy = RiskBasedPolicy(
    require_approval_for_high=True,
    require_approval_for_medium=False,
    high_risk_tools=["send_email", "delete_record"],
)
policy = AuditPlusEscalatePolicy(
    audit_sample_rate=0.1,
    escalate_on_high_risk=True,
    anomaly_signals=["unusual_recipient", "large_amount"],
)
"""
OWN_POLICY = """
from hitloop_tui.core.interfaces import HITLPolicy
from hitloop_tui.core.models import Action, Decision

class MyCustomPolicy(HITLPolicy):
    critical_tools = {"send_email"}

    @property
    def name(self) -> str:
        return "my_custom"

    def should_request_approval(
        self, action: Action, state: dict
    ) -> tuple[bool, str]:
        if action.tool_name in self.critical_tools:
            return True, "Critical tool requires approval"
        return False, "Auto-approved"
"""
OWN_NODE = """
from hitloop_tui import RiskBasedPolicy, ApprovalRequest, Action, Decision, RiskClass
from hitloop_tui.backends import AutoApproveBackend, CLIBackend

policy = RiskBasedPolicy(
    require_approval_for_high=True,
    high_risk_tools=["send_email", "delete_file", "transfer_money"],
)
backend = AutoApproveBackend()

async def hitl_gate_node(state):
    action = state["pending_action"]
    needs_approval, reason = policy.should_request_approval(action, state)

    if needs_approval:
        request = ApprovalRequest(run_id="my-run", action=action)
        decision = await backend.request_approval(request)
        return {"approval_decision": decision}
    else:
        return {"approval_decision": Decision(action_id=action.id, approved=True)}
"""
NATIVE = """
from langgraph.graph import StateGraph, START, END
from langgraph.checkpoint.memory import MemorySaver
from langgraph.types import Command

from hitloop_tui import RiskBasedPolicy
from hitloop_tui.langgraph import create_interrupt_gate_node, create_interrupt_tool_node, should_execute

policy = RiskBasedPolicy(high_risk_tools=["send_email", "delete_file"])
gate = create_interrupt_gate_node(policy)
executor = create_interrupt_tool_node({"send_email": send_email_func})

builder = StateGraph(MyState)
builder.add_node("hitl_gate", gate)
builder.add_node("execute", executor)
builder.add_edge(START, "hitl_gate")
builder.add_conditional_edges("hitl_gate", should_execute, {"execute": "execute", "skip": END})

graph = builder.compile(checkpointer=MemorySaver())

config = {"configurable": {"thread_id": "user-123"}}
result = graph.invoke({"proposed_action": action.model_dump(mode="json")}, config)

if "__interrupt__" in result:
    result = graph.invoke(Command(resume={"approved": True, "decided_by": "human:alice"}), config)
"""  # noqa: E501 - the page's own line


class MyState(TypedDict, total=False):
    proposed_action: Any
    approval_decision: Any
    tool_result: Any


def test_a_script_pasted_together_from_the_page_runs():
    sent: list[dict[str, Any]] = []
    page: dict[str, Any] = {"MyState": MyState, "send_email_func": lambda **args: sent.append(args)}
    for block in (MODELS, POLICIES, OWN_POLICY, OWN_NODE, NATIVE):
        exec(block, page)
    assert page["result"]["approval_decision"]["decided_by"] == "human:alice"
    assert sent == [{"recipient": "dana@halden.example", "subject": "Hello"}]
    action = page["action"]
    assert page["MyCustomPolicy"]().should_request_approval(action, {})[0]
    update = asyncio.run(page["hitl_gate_node"]({"pending_action": action}))
    assert update["approval_decision"].approved


def test_every_name_of_hitloops_package_is_here():
    names = (
        "Action ApprovalRequest Decision RiskClass TraceEvent EventType ApprovalBackend HITLPolicy"
        " TelemetryLogger CLIBackend AlwaysApprovePolicy RiskBasedPolicy AuditPlusEscalatePolicy"
        " hitl_gate_node execute_tool_node"
    )
    assert set(names.split()) <= set(hitloop_tui.__all__)
    assert all(getattr(hitloop_tui, name) for name in names.split())
    assert all(getattr(core, name) for name in core.__all__)
