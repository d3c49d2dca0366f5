"""Graphs that ask in every shape; each writes down an answer that is not its application's own.

Every question says "please", so that a byte of it can be changed.
"""

from __future__ import annotations

import operator
import time
from typing import Annotated, Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt

from hitloop_tui.langgraph import hitl_action
from tests.figures.graphs import CALL, effect, gated
from tests.unit.asking import Scripted

APPLICATION = "the application itself"
SENDS = 50


class State(TypedDict, total=False):
    said: Annotated[list[Any], operator.add]
    number: int


def take(answer: Any) -> dict[str, Any]:
    if answer != APPLICATION:
        effect(answer)
    return {"said": [answer]}


def one(name: str, ask: Any) -> StateGraph[Any]:
    return StateGraph(State).add_node(name, ask).add_edge(START, name)


def three(_: State) -> dict[str, Any]:
    for number in range(3):
        take(interrupt(f"please {number}"))
    return {}


def request(_: State) -> dict[str, Any]:
    wanted = {**CALL, "action_request": {"action": "pay", "args": {"note": "please"}}}
    for answer in interrupt([wanted, wanted]):
        if answer["type"] == "accept":
            effect(answer)
    return {}


def fan_out(_: State) -> list[Send]:
    return [Send("each", {"number": number}) for number in range(SENDS)]


plain = one("ask", lambda _: take(interrupt("please"))).compile()
sequential = one("three", three).compile()
inbox = one("request", request).compile()
parallel = (
    one("a", lambda _: take(interrupt("please a")))
    .add_node("b", lambda _: take(interrupt("please b")))
    .add_node("c", lambda _: take(interrupt({"please": "c"})))
    .add_edge(START, "b")
    .add_edge(START, "c")
    .compile()
)
sends = (
    StateGraph(State)
    .add_node("each", lambda item: take(interrupt(f"please {item['number']}")))
    .add_conditional_edges(START, fan_out, ["each"])
    .compile()
)
subgraph = one("middle", one("inner", parallel).compile()).compile()


@task
def child(name: str) -> Any:
    return take(interrupt(f"please {name}"))


@entrypoint()
def functional(_: Any) -> Any:
    return [future.result() for future in [child(name) for name in "abc"]]


@tool
def pay(note: str) -> str:
    """Pay."""
    effect(note)
    return "paid"


def agent(mode: Any) -> Any:
    calls = [{"name": "pay", "args": {"note": f"please {n}"}, "id": f"c{n}"} for n in range(2)]
    rules: Any = {"pay": {"allowed_decisions": ["approve", "reject"]}}
    middleware = HumanInTheLoopMiddleware(interrupt_on=rules, interrupt_mode=mode)
    return create_agent(Scripted(calls=calls), [pay], middleware=[middleware])


batched, per_call = agent("batched"), agent("per_call")
gate = gated(1, "please")


def thinking(_: State) -> dict[str, Any]:
    """An agent that thinks anew whenever LangGraph runs its node again."""
    wire(amount=time.monotonic_ns())
    return {}


@hitl_action()
def wire(amount: int) -> str:
    effect(amount)
    return "wired"


drifting = one("think", thinking).compile()

SHAPES = (
    "plain",
    "sequential",
    "parallel",
    "sends",
    "subgraph",
    "functional",
    "batched",
    "per_call",
    "gate",
    "inbox",
)
