"""A call that was cut off is made again when a person orders it, and never otherwise."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from hitloop_tui.attach.graph_file import load_module
from hitloop_tui.attach.graph_ref import GraphRef
from tests.e2e.command_line import decisions, hitloop, listed

GRAPH = """
import os, signal
from pathlib import Path
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph

from hitloop_tui import RiskBasedPolicy
from hitloop_tui.langgraph import (
    create_interrupt_gate_node, create_interrupt_tool_node, should_execute,
)

HERE = Path(__file__).parent

class State(TypedDict, total=False):
    proposed_action: Any
    approval_decision: Any
    hitl_status: Any
    tool_result: Any

def pay(amount: int) -> str:
    with open(HERE / "paid", "a") as file:
        file.write(f"{amount}\\n")
    if not (HERE / "survive").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return "paid"

builder = StateGraph(State)
builder.add_node("gate", create_interrupt_gate_node(RiskBasedPolicy(high_risk_tools=["pay"])))
builder.add_node("execute", create_interrupt_tool_node({"pay": pay}))
builder.add_edge(START, "gate")
builder.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
"""


GUARDED = """
import os, signal
from pathlib import Path
from typing import Any, TypedDict

from langgraph.graph import START, StateGraph

from hitloop_tui.langgraph import hitl_action

HERE = Path(__file__).parent

class State(TypedDict, total=False):
    proposed_action: Any
    said: Any

@hitl_action()
def pay(amount: int) -> str:
    with open(HERE / "paid", "a") as file:
        file.write(f"{amount}\\n")
    if not (HERE / "survive").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return "paid"

def node(state: State) -> State:
    return {"said": pay(**state["proposed_action"]["tool_args"])}

builder = StateGraph(State).add_node("node", node).add_edge(START, "node")
"""


async def ask(db: Path, file: Path) -> None:
    builder = load_module(GraphRef.parse(f"pay={file}:builder")).builder
    async with AsyncSqliteSaver.from_conn_string(str(db)) as saver:
        graph = builder.compile(checkpointer=saver)
        action = {"id": "a1", "tool_name": "pay", "tool_args": {"amount": 5}, "risk_class": "high"}
        config = {"configurable": {"thread_id": "t"}, "metadata": {"graph_id": "pay"}}
        await graph.ainvoke({"proposed_action": action}, config)


class Payment:
    """An approved call that killed its worker; the next one to be made succeeds."""

    def __init__(self, folder: Path, graph: str) -> None:
        self.file, self.db, self.folder = folder / "pay.py", folder / "agents.db", folder
        self.file.write_text(graph)
        asyncio.run(ask(self.db, self.file))
        sys.modules.pop("pay", None)
        self.review = listed(self.db)["t"]["id"]
        self.order("approve")
        assert self.work() == -signal.SIGKILL
        (folder / "survive").touch()

    def order(self, what: str) -> None:
        assert decisions(what, self.review, "--db", self.db)[0] == 0

    def work(self) -> int:
        return hitloop("worker", self.db, "--graph", f"pay={self.file}:builder", "--once").code

    def state(self) -> str | None:
        """`None` once nothing is left to do."""
        shown = listed(self.db)
        return shown["t"]["state"] if shown else None

    def paid(self) -> str:
        return (self.folder / "paid").read_text()


@pytest.mark.parametrize("graph", [GRAPH, GUARDED], ids=["gate", "hitl_action"])
def test_a_call_cut_off_by_a_kill(tmp_path, graph):
    payment = Payment(tmp_path, graph)
    assert payment.state() == "uncertain"
    payment.work()
    assert payment.paid() == "5\n", "nobody ordered it again"
    assert payment.state() == "uncertain"
    payment.order("retry")
    assert payment.work() == 0
    assert payment.paid() == "5\n5\n"
    assert payment.state() is None
    payment.work()
    assert payment.paid() == "5\n5\n"


def test_a_cleared_answer_to_a_guarded_call_can_be_given_anew(tmp_path):
    """The call may have been made; who approves it again pays for one more."""
    payment = Payment(tmp_path, GUARDED)
    payment.order("clear")
    assert payment.work() == 0
    assert payment.state() == "pending"
    payment.order("approve")
    assert payment.work() == 0
    assert payment.paid() == "5\n5\n"
    assert payment.state() is None
