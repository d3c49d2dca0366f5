"""Real graphs and middleware that ask in each payload shape, and a person who answers them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from hitloop_tui.attach import shapes
from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Review, Verdict
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import RiskBasedPolicy

PERSON = Person("ann", {"uid": 1})
CALLS: list[tuple[str, dict[str, Any]]] = []
"""What the tools got."""


class Scripted(BaseChatModel):
    """Asks for its tool calls once, then is done."""

    calls: list[dict[str, Any]]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        done = any(isinstance(message, ToolMessage) for message in messages)
        said = AIMessage("done") if done else AIMessage("I will do it.", tool_calls=self.calls)
        return ChatResult(generations=[ChatGeneration(message=said)])


@tool
def send(to: str, n: int, rate: float, note: str = "") -> str:
    """Send something."""
    CALLS.append(("send", {"to": to, "n": n, "rate": rate}))
    return f"sent {n}"


@tool
def rm(path: str) -> str:
    """Remove something."""
    CALLS.append(("rm", {"path": path}))
    return "removed"


SEND = {"to": "ann@x.org", "n": 2, "rate": 1.0}
RM = {"path": "/tmp/x"}


def agent(*wanted: str, **options: Any) -> Any:
    """A LangChain agent that wants `send` and `rm` at once, or some; `send` allows everything."""
    calls = [{"name": "send", "args": SEND, "id": "c1"}, {"name": "rm", "args": RM, "id": "c2"}]
    calls = [call for call in calls if call["name"] in (wanted or ("send", "rm"))]
    rules = {"send": True, "rm": {"allowed_decisions": ["approve", "reject"]}}
    middleware = HumanInTheLoopMiddleware(interrupt_on=rules, **options)
    return lambda saver: create_agent(
        Scripted(calls=calls), [send, rm], middleware=[middleware], checkpointer=saver
    )


class Asked(TypedDict, total=False):
    answer: Any
    messages: list[Any]
    run_id: str
    proposed_action: Any
    approval_decision: Any
    hitl_status: Any
    tool_result: Any
    execution_result: Any


def asking(value: Any, **options: Any) -> Any:
    """One node that asks `value` and keeps the answer."""
    graph = StateGraph(Asked)
    graph.add_node("ask", lambda _: {"answer": interrupt(value, **options)})
    graph.add_edge(START, "ask")
    return lambda saver: graph.compile(checkpointer=saver)


def gated(tool_args: Mapping[str, Any] = SEND) -> Any:
    """Our own gate before `send`."""
    graph = StateGraph(Asked)
    action = {
        "tool_name": "send",
        "tool_args": dict(tool_args),
        "risk_class": "high",
        "side_effects": ["sends"],
        "rationale": "because",
    }
    graph.add_node("propose", lambda _: {"proposed_action": action})
    graph.add_node("gate", create_interrupt_gate_node(RiskBasedPolicy()))
    graph.add_node("execute", create_interrupt_tool_node({"send": send.func}))
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "gate")
    graph.add_conditional_edges("gate", should_execute, {"execute": "execute", "skip": END})
    return lambda saver: graph.compile(checkpointer=saver)


class Asking:
    """One thread of a graph, and its Reviews."""

    def __init__(self, folder: Path, build: Callable[[Any], Any]) -> None:
        CALLS.clear()
        self.source = Checkpoints(folder / "agents.db")
        self.connection = sqlite3.connect(self.source.path, check_same_thread=False)
        self.graph = build(SqliteSaver(self.connection))
        self.config = {"configurable": {"thread_id": "t", "__pregel_strict_resume": True}}
        self.graph.invoke({"messages": [("user", "go")]}, self.config)

    def close(self) -> None:
        self.source.close()
        self.connection.close()

    def reviews(self) -> list[Review]:
        found = []
        for question in self.source.thread_questions("t"):
            reading = shapes.read(question)
            if reading is not None:
                found.append(Review(question, reading))
        return sorted(found, key=lambda review: review.actions[0].tool_name, reverse=True)

    def give(self, *answers: Mapping[int, Verdict]) -> dict[str, Any]:
        """Check and send verdicts, one mapping per Review; the resume map that was sent."""
        resume = {}
        for review, verdicts in zip(self.reviews(), answers, strict=True):
            checked = {n: shapes.check(review, n, v) for n, v in verdicts.items()}
            value = shapes.answer(review, checked, PERSON)
            resume[review.question.identity.interrupt_id] = value
        self.graph.invoke(Command(resume=resume), self.config)
        return resume

    @property
    def state(self) -> dict[str, Any]:
        values: dict[str, Any] = self.graph.get_state(self.config).values
        return values
