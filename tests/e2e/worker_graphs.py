"""Graphs with tools that note their calls, for the tests of the worker."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import Send, interrupt

calls: list[Any] = []
"""What the tools of these graphs did."""
fails: list[str] = []
"""What still raises, once for each entry. Each test begins with both empty."""


class Values(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]
    item: Any


def chain(*nodes: Any, **compiling: Any) -> Any:
    builder = StateGraph(Values)
    before = START
    for node in nodes:
        builder.add_node(node.__name__, node)
        builder.add_edge(before, node.__name__)
        before = node.__name__
    return builder.compile(**compiling)


def nested(inner: Any, levels: int) -> Any:
    for _ in range(levels):
        inner = StateGraph(Values).add_node("sub", inner).add_edge(START, "sub").compile()
    return inner


def tool(state: Values) -> Values:
    answer = interrupt({"tool": "refund", "args": {"amount": 10}})
    calls.append(answer)
    return {"log": [answer]}


def quiet(state: Values) -> Values:
    return {"log": ["quiet"]}


def broken(state: Values) -> Values:
    raise ValueError("the bank said no")


def fan_out(node: Any, count: int) -> Any:
    """A graph that sends `count` items to one node, all in one superstep."""
    builder = StateGraph(Values).add_node(node.__name__, node)
    builder.add_conditional_edges(
        START, lambda _: [Send(node.__name__, {"item": n}) for n in range(count)], [node.__name__]
    )
    return builder.compile()
