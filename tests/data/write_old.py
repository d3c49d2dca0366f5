"""Writes a small checkpoint database with whatever LangGraph is installed.

Run with old versions to make the fixtures beside this file:

    langgraph-1.0.10.sqlite: langgraph==1.0.10 langgraph-checkpoint-sqlite==3.0.3 aiosqlite<0.22
    langgraph-1.2.10.sqlite: langgraph==1.2.10 langgraph-checkpoint-sqlite==3.1.1

    python write_old.py FILE.sqlite

Beside the database it writes FILE.json: the pending interrupt ids by thread, as the last run told
them. (`get_state` of these versions shows answered ones, too, and only the first of the functional
API.)
"""

from __future__ import annotations

import json
import operator
import sqlite3
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt


class State(TypedDict, total=False):
    said: Annotated[list[Any], operator.add]
    n: int


def ask(question: Any) -> Any:
    return lambda state: {"said": [interrupt(question)]}


def graph(**nodes: Any) -> StateGraph:
    built = StateGraph(State)
    for name, node in nodes.items():
        built.add_node(name, node)
        built.add_edge(START, name)
    return built


def twice(state: State) -> State:
    return {"said": [interrupt("first"), interrupt("second")]}


def risky(state: State) -> State:
    if interrupt("risky") == "boom":
        raise ValueError("boom")
    return {"said": []}


def each(state: State) -> State:
    return {"said": [interrupt({"item": state["n"]})]}


@task
def child(name: str) -> Any:
    return interrupt(name)


def graphs(saver: SqliteSaver) -> dict[str, Any]:
    @entrypoint(checkpointer=saver)
    def flow(given: Any) -> Any:
        futures = [child("x"), child("y"), child("z")]
        return [future.result() for future in futures]

    sends = StateGraph(State)
    sends.add_node("each", each)
    sends.add_conditional_edges(START, lambda _: [Send("each", {"n": n}) for n in range(4)])
    review = {
        "action_requests": [{"name": "pay", "args": {"amount": 5.0, "to": "Zoë"}}],
        "review_configs": [{"action_name": "pay", "allowed_decisions": ["approve", "reject"]}],
    }
    built = {
        "plain": graph(ask=ask(review)),
        "parallel": graph(a=ask("a"), b=ask("b"), c=ask("c")),
        "twice": graph(twice=twice, beside=ask("beside")),
        "subgraph": graph(sub=graph(twice=twice, once=ask("once")).compile(), root=ask("root")),
        "failed": graph(risky=risky),
        "sends": sends,
        "done": graph(ask=ask("done")),
    }
    return {**{name: g.compile(checkpointer=saver) for name, g in built.items()}, "flow": flow}


ANSWERS: dict[str, list[dict[str, Any]]] = {
    "parallel": [{"b": "yes"}],
    "twice": [{"first": "yes"}],
    "subgraph": [{"first": "yes"}, {"root": "yes"}],
    "failed": [{"risky": "boom"}],
    "sends": [{"{'item': 2}": "yes"}],
    "done": [{"done": "yes"}],
    "flow": [{"x": "yes"}],
}


def main(path: Path) -> None:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, check_same_thread=False)
    saver = SqliteSaver(connection)
    told = {name: run(flow, name) for name, flow in graphs(saver).items()}
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("VACUUM")
    connection.close()
    path.with_suffix(".json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


def run(flow: Any, name: str) -> dict[str, str]:
    config = {"configurable": {"thread_id": name}}
    shown: dict[str, str] = {}

    def step(given: Any) -> None:
        shown.clear()
        try:
            for update in flow.stream(given, config):
                for asked in update.get("__interrupt__", ()):
                    shown[str(asked.value)] = asked.id
        except ValueError:
            pass

    step({"said": []})
    for answers in ANSWERS.get(name, []):
        step(Command(resume={shown[value]: answer for value, answer in answers.items()}))
    if name == "failed":
        shown = {str(i.value): i.id for i in flow.get_state(config).interrupts}
    return shown


if __name__ == "__main__":
    main(Path(sys.argv[1]))
