"""LangGraph nodes that put a person between an agent and its tools."""

from hitloop_tui.langgraph.guarded_tool import AnomalyValidator, RiskClassResolver, hitl_action
from hitloop_tui.langgraph.inbox_types import (
    ActionRequest,
    HITLInterruptPayload,
    HITLResumePayload,
    HumanInterrupt,
    HumanInterruptConfig,
    HumanResponse,
)
from hitloop_tui.langgraph.interrupt_nodes import (
    InterruptCallback,
    InterruptGate,
    create_interrupt_gate_node,
    should_execute,
)
from hitloop_tui.langgraph.nodes import (
    BackendGate,
    HITLState,
    create_hitl_workflow_nodes,
    execute_tool_node,
    hitl_gate_node,
    should_execute_condition,
)
from hitloop_tui.langgraph.tool_node import ApprovedTools, create_interrupt_tool_node

__all__ = [
    "ActionRequest",
    "AnomalyValidator",
    "ApprovedTools",
    "BackendGate",
    "HITLInterruptPayload",
    "HITLResumePayload",
    "HITLState",
    "HumanInterrupt",
    "HumanInterruptConfig",
    "HumanResponse",
    "InterruptCallback",
    "InterruptGate",
    "RiskClassResolver",
    "create_hitl_workflow_nodes",
    "create_interrupt_gate_node",
    "create_interrupt_tool_node",
    "execute_tool_node",
    "hitl_action",
    "hitl_gate_node",
    "should_execute",
    "should_execute_condition",
]
