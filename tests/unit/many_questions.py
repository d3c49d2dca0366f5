"""Graphs that ask more than once, or pause; each notes the answer that each question got."""

from __future__ import annotations

from typing import Any

from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt

from tests.unit.asking import CALLS, Asked

SENDS = 50


def ask(question: str) -> dict[str, Any]:
    CALLS.append((question, interrupt(question)))
    return {}


def node(*questions: str) -> Any:
    def asks(_: Any) -> dict[str, Any]:
        for question in questions:
            ask(question)
        return {}

    return asks


def beside(**nodes: Any) -> Any:
    """All nodes at once."""
    graph = StateGraph(Asked)
    for name, found in nodes.items():
        graph.add_node(name, found)
        graph.add_edge(START, name)
    return graph


def sends() -> Any:
    graph = StateGraph(Asked).add_node("each", lambda item: ask(f"item {item['n']}"))
    items = [Send("each", {"n": number}) for number in range(SENDS)]
    graph.add_conditional_edges(START, lambda _: items, ["each"])
    return graph


def two_levels() -> Any:
    inner = beside(twice=node("s1", "s2"), once=node("s3")).compile()
    middle = beside(low=inner, mid=node("m")).compile()
    return beside(middle=middle, root=node("r"))


def functional(saver: Any) -> Any:
    @task
    def child(*questions: str) -> None:
        node(*questions)(None)

    @entrypoint(checkpointer=saver)
    def flow(_: Any) -> None:
        for future in [child("x"), child("y1", "y2"), child("z")]:
            future.result()

    return flow


def compiled(graph: Any) -> Any:
    return lambda saver: graph.compile(checkpointer=saver)


GRAPHS: dict[str, tuple[Any, set[str]]] = {
    "parallel": (compiled(beside(a=node("a"), b=node("b"), c=node("c"))), {*"abc"}),
    "50 Sends": (compiled(sends()), {f"item {number}" for number in range(SENDS)}),
    "sequential": (
        compiled(beside(a=node("q1", "q2", "q3"), b=node("b"))),
        {"q1", "q2", "q3", "b"},
    ),
    "subgraphs, two levels": (compiled(two_levels()), {"s1", "s2", "s3", "m", "r"}),
    "functional API": (functional, {"x", "y1", "y2", "z"}),
}


def pausing(**where: Any) -> Any:
    """Plans and acts; `where` is `interrupt_before` or `interrupt_after`."""
    graph = StateGraph(Asked)
    graph.add_node("plan", lambda _: {})
    graph.add_node("act", lambda _: CALLS.append(("act", {})) or {})
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "act")
    return lambda saver: graph.compile(checkpointer=saver, **where)
