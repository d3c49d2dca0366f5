"""Graphs whose tools write down every call, in one line that no other process can split."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from hitloop_tui.attach.interrupt_rows import question_id
from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)

EFFECTS = "FIGURES_EFFECTS"
"""Environment variable: the file that tools write to."""


class State(TypedDict, total=False):
    said: Any
    proposed_action: Any
    approval_decision: Any
    hitl_status: Any
    tool_result: Any


def effect(what: Any, config: RunnableConfig | None = None) -> None:
    """What a tool does to the world: at most once for each approval, if all goes well."""
    place = (config or get_config())["configurable"]
    asked = question_id(place["checkpoint_ns"], 0)
    line = json.dumps({"thread": place["thread_id"], "interrupt": asked, "what": what}) + "\n"
    handle = os.open(os.environ[EFFECTS], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line.encode())
    os.close(handle)


CALL = {
    "action_request": {"action": "pay", "args": {"to": "ann", "amount": 100}},
    "config": dict.fromkeys(["allow_accept", "allow_edit", "allow_respond", "allow_ignore"], True),
}


def tool(state: State, config: RunnableConfig) -> State:
    """Question and tool in one node: whoever resumes it runs the tool."""
    [answer] = interrupt([CALL])
    if answer["type"] in ("accept", "edit"):
        effect(answer["args"], config)
    return {"said": answer}


pay = StateGraph(State).add_node("tool", tool).add_edge(START, "tool").compile()


class Ask(HITLPolicy):
    """So many people must approve every call."""

    name = "ask"

    def __init__(self, people: int) -> None:
        self.people = people

    def should_request_approval(self, action: Any, state: dict[str, Any]) -> tuple[bool, str]:
        return True, "always"

    def verdict(self, action: Any, state: dict[str, Any]) -> PolicyVerdict:
        return PolicyVerdict("ask", "always", self.people)


def gated(people: int, note: str = "", due_s: float | None = None) -> Any:
    """Our gate before a tool in a node of its own; after `due_s` it takes silence for a no."""
    due = None if due_s is None else timedelta(seconds=due_s)
    ask = create_interrupt_gate_node(Ask(people), deadline=due, on_deadline="reject")
    action = {"tool_name": "pay", "tool_args": {"note": note}, "risk_class": "high"}
    graph = StateGraph(State)
    graph.add_node("propose", lambda _: {"proposed_action": action})
    graph.add_node("gate", ask)
    graph.add_node("execute", create_interrupt_tool_node({"pay": lambda **args: effect(args)}))
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "gate")
    graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
    return graph.compile()


DUE_S = 1.0
gate, quorum, due = gated(1), gated(2), gated(1, due_s=DUE_S)
