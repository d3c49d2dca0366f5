"""Small real graphs, one per way in which LangGraph asks, for tests that read what it writes."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from langgraph.errors import NodeError
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Send, interrupt
from pydantic import BaseModel


class Plain(TypedDict, total=False):
    said: Annotated[list[Any], operator.add]
    fail: bool


class Model(BaseModel):
    said: Annotated[list[Any], operator.add] = []
    fail: bool = False


@dataclass
class Data:
    said: Annotated[list[Any], operator.add] = field(default_factory=list)
    fail: bool = False


class Talk(MessagesState, total=False):
    said: Annotated[list[Any], operator.add]
    fail: bool


STATES: dict[str, type] = {"dict": Plain, "model": Model, "data": Data, "messages": Talk}


def ask(question: Any, **options: Any) -> Any:
    return lambda state: {"said": [interrupt(question, **options)]}


def one(state: type = Plain) -> StateGraph:
    """One node, one question."""
    graph = StateGraph(state)
    graph.add_node("ask", ask({"ask": "one"}))
    graph.add_edge(START, "ask")
    return graph


def parallel(state: type = Plain) -> StateGraph:
    """Three nodes ask at once, a fourth finishes."""
    graph = StateGraph(state)
    for name in "abc":
        graph.add_node(name, ask(name))
        graph.add_edge(START, name)
    graph.add_node("done", lambda _: {"said": ["done"]})
    graph.add_edge(START, "done")
    return graph


def sequence(state: type = Plain) -> StateGraph:
    """One node asks three times, another one once."""

    def three(_: Any) -> dict[str, Any]:
        return {"said": [interrupt(f"q{number}") for number in range(3)]}

    graph = StateGraph(state)
    graph.add_node("three", three)
    graph.add_node("beside", ask("beside"))
    graph.add_edge(START, "three")
    graph.add_edge(START, "beside")
    return graph


def silent(state: type = Plain) -> StateGraph:
    """A node that takes its answer and returns nothing, beside one that waits."""

    def nothing(_: Any) -> None:
        interrupt("silent")

    graph = StateGraph(state)
    graph.add_node("nothing", nothing)
    graph.add_node("beside", ask("beside"))
    graph.add_edge(START, "nothing")
    graph.add_edge(START, "beside")
    return graph


def subgraph(state: type = Plain) -> StateGraph:
    """Two nodes of a subgraph ask at once, the first of them twice; a root node asks too."""

    def twice(_: Any) -> dict[str, Any]:
        return {"said": [interrupt("s1"), interrupt("s2")]}

    inner = StateGraph(state)
    inner.add_node("twice", twice)
    inner.add_node("once", ask("once"))
    inner.add_edge(START, "twice")
    inner.add_edge(START, "once")
    graph = StateGraph(state)
    graph.add_node("sub", inner.compile())
    graph.add_node("root", ask("root"))
    graph.add_edge(START, "sub")
    graph.add_edge(START, "root")
    return graph


def called(state: type = Plain) -> StateGraph:
    """A subgraph that a node calls."""
    inner = one(state).compile()

    def call(_: Any) -> dict[str, Any]:
        found = inner.invoke({"said": []})
        return {"said": [found["said"]]}

    graph = StateGraph(state)
    graph.add_node("call", call)
    graph.add_edge(START, "call")
    return graph


def stateful(state: type = Plain) -> StateGraph:
    """A subgraph that keeps its own checkpoints."""
    graph = StateGraph(state)
    graph.add_node("sub3", sequence(state).compile(checkpointer=True))
    graph.add_edge(START, "sub3")
    return graph


def two_levels(state: type = Plain) -> StateGraph:
    middle = StateGraph(state)
    middle.add_node("low", subgraph(state).compile())
    middle.add_node("mid", ask("mid"))
    middle.add_edge(START, "low")
    middle.add_edge(START, "mid")
    graph = StateGraph(state)
    graph.add_node("middle", middle.compile())
    graph.add_edge(START, "middle")
    return graph


def sends(state: type = Plain, count: int = 50) -> StateGraph:
    """`count` questions of one node."""
    graph = StateGraph(state)
    graph.add_node("each", lambda item: {"said": [interrupt({"item": item["n"]})]})
    graph.add_conditional_edges(START, lambda _: [Send("each", {"n": n}) for n in range(count)])
    return graph


def failing(state: type = Plain) -> StateGraph:
    """Two nodes ask and then raise when told to by the answer `boom`; a third waits."""

    def risky(name: str) -> Any:
        def node(_: Any) -> dict[str, Any]:
            answers = [interrupt(f"{name}1")]
            if answers[-1] == "boom":
                raise ValueError(f"boom {name}1")
            answers.append(interrupt(f"{name}2"))
            if answers[-1] == "boom":
                raise ValueError(f"boom {name}2")
            return {"said": answers}

        return node

    graph = StateGraph(state)
    for name in "ab":
        graph.add_node(name, risky(name))
        graph.add_edge(START, name)
    graph.add_node("wait", ask("wait"))
    graph.add_edge(START, "wait")
    return graph


def raising(state: type = Plain) -> StateGraph:
    """A node raises at once, beside a question."""

    def bad(_: Any) -> dict[str, Any]:
        raise ValueError("bad")

    graph = StateGraph(state)
    graph.add_node("bad", bad)
    graph.add_node("ask", ask("beside"))
    graph.add_edge(START, "bad")
    graph.add_edge(START, "ask")
    return graph


def handled(state: type = Plain) -> StateGraph:
    """A node raises and its error handler asks."""

    def bad(_: Any) -> dict[str, Any]:
        raise ValueError("bad")

    def handler(_: Any, error: NodeError) -> dict[str, Any]:
        return {"said": [interrupt("handle it?")]}

    graph = StateGraph(state)
    graph.add_node("bad", bad, error_handler=handler)
    graph.add_edge(START, "bad")
    return graph


class Amount(BaseModel):
    amount: float
    note: str = ""


def schema(state: type = Plain) -> StateGraph:
    graph = StateGraph(state)
    graph.add_node(
        "form",
        lambda _: {"said": [interrupt("how much?", response_schema=Amount).model_dump()]},
    )
    graph.add_edge(START, "form")
    return graph


def looping(state: type = Plain) -> StateGraph:
    """Asks again and again in new supersteps, until the answer is `stop`."""
    graph = StateGraph(state)
    graph.add_node("ask", ask("again?"))
    graph.add_edge(START, "ask")

    def where(now: Any) -> str:
        said = now["said"] if isinstance(now, dict) else now.said
        return END if said and said[-1] == "stop" else "ask"

    graph.add_conditional_edges("ask", where, ["ask", END])
    return graph


def functional(saver: Any) -> Any:
    """Three tasks at once; the second asks twice."""

    @task
    def once(name: str) -> Any:
        return interrupt(name)

    @task
    def twice(name: str) -> Any:
        return [interrupt(f"{name}1"), interrupt(f"{name}2")]

    @entrypoint(checkpointer=saver)
    def flow(given: Any) -> Any:
        futures = [once("x"), twice("y"), once("z")]
        return [future.result() for future in futures]

    return flow


BUILDERS = {
    f.__name__: f
    for f in (
        one,
        parallel,
        sequence,
        silent,
        subgraph,
        called,
        stateful,
        two_levels,
        sends,
        failing,
        raising,
        handled,
        schema,
        looping,
    )
}


def compiled(name: str, saver: Any, state: str = "dict") -> Any:
    if name == "functional":
        return functional(saver)
    return BUILDERS[name](STATES[state]).compile(checkpointer=saver)
