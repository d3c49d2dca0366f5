"""An agent that pays behind a gate; a folder tells it what to do, and what it did.

`PAY_FOLDER` holds `fail` (the tool raises after it has paid), `wait` (it waits until that file is
gone, after it has paid) and `paid`, a line per payment.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)


class State(TypedDict, total=False):
    amount: int
    said: Any
    proposed_action: Any
    approval_decision: Any
    hitl_status: Any
    tool_result: Any


class Ask(HITLPolicy):
    name = "ask"

    def __init__(self, people: int) -> None:
        self.people = people

    def should_request_approval(self, action: Any, state: dict[str, Any]) -> tuple[bool, str]:
        return True, "always"

    def verdict(self, action: Any, state: dict[str, Any]) -> PolicyVerdict:
        return PolicyVerdict("ask", "always", self.people)


def paid(folder: Path) -> list[int]:
    file = folder / "paid"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def pay(amount: int) -> str:
    folder = Path(os.environ["PAY_FOLDER"])
    with (folder / "paid").open("a") as file:
        file.write(f"{amount}\n")
    while (folder / "wait").exists():
        time.sleep(0.02)
    if (folder / "fail").exists():
        raise ValueError("the bank said no")
    return "paid"


def propose(state: State) -> State:
    amount = state.get("amount", 100)
    call = {"tool_name": "pay", "tool_args": {"amount": amount}, "risk_class": "high"}
    return {"proposed_action": call}


def gated(people: int = 1, **gate: Any) -> StateGraph[Any]:
    graph = StateGraph(State)
    graph.add_node("propose", propose)
    graph.add_node("gate", create_interrupt_gate_node(Ask(people), **gate))
    graph.add_node("execute", create_interrupt_tool_node({"pay": pay}))
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "gate")
    graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
    graph.add_edge("execute", END)
    return graph


def asks_and_pays(state: State) -> State:
    """Question and tool in one node: what fails after the answer keeps the answer."""
    answer = interrupt({"pay": state.get("amount", 100)})
    return {"said": pay(state.get("amount", 100)) if answer == "yes" else answer}


one = gated()
two = gated(people=2)
soon = gated(deadline=timedelta(seconds=300))
plain = StateGraph(State).add_node("ask", asks_and_pays).add_edge(START, "ask")
HERE = Path(__file__)


def signed() -> StateGraph[Any]:
    return gated(allowed_signers=os.environ["ALLOWED_SIGNERS"])


def signed_by_two() -> StateGraph[Any]:
    return gated(people=2, allowed_signers=os.environ["ALLOWED_SIGNERS"])


def asking(value: Any) -> StateGraph[Any]:
    """Any question."""
    graph = StateGraph(State).add_node("ask", lambda _: {"said": interrupt(value)})
    return graph.add_edge(START, "ask")
