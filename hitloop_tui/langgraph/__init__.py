"""LangGraph nodes that put a person between an agent and its tools."""

from hitloop_tui.langgraph.interrupt_nodes import (
    InterruptCallback,
    InterruptGate,
    create_interrupt_gate_node,
    should_execute,
)
from hitloop_tui.langgraph.tool_node import ApprovedTools, create_interrupt_tool_node

__all__ = [
    "ApprovedTools",
    "InterruptCallback",
    "InterruptGate",
    "create_interrupt_gate_node",
    "create_interrupt_tool_node",
    "should_execute",
]
