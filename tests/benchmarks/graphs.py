"""The graph that asks in all benchmarks: some steps, the library's gate, an end."""

from __future__ import annotations

import operator
import sqlite3
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from hitloop_tui.langgraph import create_interrupt_gate_node
from hitloop_tui.policies import RiskBasedPolicy

ARGS = {"order": "A-1009", "amount": 48.5, "currency": "EUR", "customer": "anna@example.com"}


class State(TypedDict, total=False):
    notes: Annotated[list[str], operator.add]
    proposed_action: dict[str, Any]
    approval_decision: dict[str, Any]
    hitl_status: Any


def propose(_: State) -> State:
    action = {
        "tool_name": "refund_order",
        "tool_args": ARGS,
        "risk_class": "medium",
        "side_effects": ["pays 48.50 EUR out of the shop account"],
        "rationale": "the parcel arrived open, and the customer sent a photo",
    }
    return {"proposed_action": action, "notes": ["proposed a refund"]}


def finish(_: State) -> State:
    return {"notes": ["done"]}


def chain(steps: int) -> StateGraph:
    """`propose`, then so many steps that think, the gate, and `finish`."""
    builder = StateGraph(State)
    builder.add_node("propose", propose)
    builder.add_edge(START, "propose")
    before = "propose"
    for number in range(steps):
        name = f"think{number}"
        builder.add_node(name, lambda _, n=number: {"notes": [f"thought number {n} " * 10]})
        builder.add_edge(before, name)
        before = name
    policy = RiskBasedPolicy(require_approval_for_medium=True)
    builder.add_node("gate", create_interrupt_gate_node(policy))
    builder.add_node("finish", finish)
    builder.add_edge(before, "gate")
    builder.add_edge("gate", "finish")
    return builder


graph = chain(0)
"""For workers: `--graph bench=FILE:graph`."""


def saver(db: Path) -> SqliteSaver:
    return SqliteSaver(sqlite3.connect(db, check_same_thread=False, timeout=30))


def config(thread_id: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread_id}, "metadata": {"graph_id": "bench"}}


def ask(db: Path, *thread_ids: str) -> None:
    """Threads that wait for a decision."""
    with saver(db).conn as connection:
        compiled = graph.compile(checkpointer=SqliteSaver(connection))
        for thread_id in thread_ids:
            compiled.invoke({"notes": ["start"]}, config(thread_id))
    connection.close()
