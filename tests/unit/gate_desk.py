"""A mailbox behind a gate, and a thread of it to answer."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict
from hitloop_tui.core.models import Action
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import RiskBasedPolicy

ARGS = {"to": ["dana@halden.example"], "copies": 2, "ratio": 0.5, "urgent": False, "meta": {"n": 1}}
EDITED = {"to": ["kim@halden.example"], "copies": 3, "ratio": 1.0, "urgent": True, "meta": {"n": 2}}
PROPOSED = {
    "id": "action-1",
    "tool_name": "send_email",
    "tool_args": ARGS,
    "risk_class": "high",
    "side_effects": ["sends mail"],
    "rationale": "Dana waits for it.",
}
INPUT = {"proposed_action": PROPOSED}
CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
CALL = ("send_email", ARGS)
DIGEST = Action.model_validate(PROPOSED).digest()


class Ask(HITLPolicy):
    """A policy that asks `people` people."""

    name = "ask"

    def __init__(self, people: int = 1) -> None:
        self.people = people

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        return True, "because"

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        return PolicyVerdict("ask", "because", self.people)


class GateState(TypedDict, total=False):
    proposed_action: Any
    approval_decision: Any
    hitl_status: str
    tool_result: Any
    run_id: str


@dataclass
class Mailbox:
    """Tools that remember what they were called with."""

    calls: list[dict[str, Any]] = field(default_factory=list)

    def send_email(self, **args: Any) -> str:
        self.calls.append(args)
        return f"sent to {args['to']}"

    def purge(self, **args: Any) -> str:
        self.calls.append({"purge": args})
        return "purged"


def builder(mailbox: Mailbox, policy: Any = None, **gate_options: Any) -> StateGraph[Any]:
    tools = {"send_email": mailbox.send_email, "purge": mailbox.purge}
    return wired(policy or RiskBasedPolicy(), create_interrupt_tool_node(tools), **gate_options)


def wired(policy: Any, executor: Any, **gate_options: Any) -> StateGraph[Any]:
    graph = StateGraph(GateState)
    graph.add_node("gate", create_interrupt_gate_node(policy, **gate_options))
    graph.add_node("execute", executor)
    graph.add_edge(START, "gate")
    graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
    graph.add_edge("execute", END)
    return graph


def strict(thread_id: str = "t") -> dict[str, Any]:
    return {"configurable": {"thread_id": thread_id, "__pregel_strict_resume": True}}


class Thread:
    """One thread of a graph; every `answer` goes to the question that is open now."""

    def __init__(self, graph: Any, thread_id: str = "t") -> None:
        self.graph, self.config = graph, strict(thread_id)

    async def start(self, proposed: Any = None, **state: Any) -> dict[str, Any]:
        state = {"proposed_action": proposed or PROPOSED, **state}
        return await self.graph.ainvoke(state, self.config)

    async def open(self) -> Any:
        (question,) = (await self.graph.aget_state(self.config)).interrupts
        return question

    async def detail(self) -> dict[str, Any]:
        """What the open question says to hitloop's own console."""
        return (await self.open()).value[0]["hitloop"]

    async def answer(self, value: Any) -> dict[str, Any]:
        question = await self.open()
        return await self.graph.ainvoke(Command(resume={question.id: value}), self.config)


@asynccontextmanager
async def opened(graph: StateGraph[Any], path: Path):
    async with AsyncSqliteSaver.from_conn_string(str(path / "agents.db")) as saver:
        yield Thread(graph.compile(checkpointer=saver))
