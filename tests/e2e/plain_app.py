"""An application that resumes its threads plainly, in processes that can be killed in a tool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

from hitloop_tui.attach.graph_file import load_module
from hitloop_tui.attach.graph_ref import GraphRef
from tests.e2e.worker_desk import Desk

APP = '''
"""An application: `python app.py GRAPH DB ask|ANSWER`. A tool that is told "stuck" does not end."""
import asyncio, operator, os, pathlib, sys, time
from typing import Annotated, TypedDict
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt

class State(TypedDict, total=False):
    log: Annotated[list, operator.add]
    n: int

def note(text):
    with open(os.environ["TOOL_LOG"], "a") as file:
        file.write(text + "\\n")

def noted():
    path = pathlib.Path(os.environ["TOOL_LOG"])
    return path.read_text().split() if path.exists() else []

def do(what, answer):
    note(f"{what}={answer}")
    if answer == "stuck" and "app" in sys.argv[0]:
        time.sleep(60)

def tool(state):
    do("tool", interrupt("tool?"))
    return {"log": ["tool"]}

def three(state):
    for n in range(3):
        do(f"q{n}", interrupt(f"q{n}?"))
    return {}

def late(state):
    """Raises before it asks, the first time, and takes its time afterwards."""
    time.sleep(0.5)
    if not noted():
        note("late")
        raise ValueError("not yet")
    do("late", interrupt("late?"))
    return {}

def slow(state):
    """Asks at once, the first time, and takes its time afterwards."""
    if noted():
        time.sleep(1)
    do("slow", interrupt("slow?"))
    return {}

def item(state):
    do(f"item{state['n']}", interrupt(f"item{state['n']}?"))
    return {"log": [state["n"]]}

def simple(node):
    return StateGraph(State).add_node("node", node).add_edge(START, "node").compile()

def nested(inner):
    return StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile()

def beside(*nodes):
    builder = StateGraph(State)
    for node in nodes:
        builder.add_node(node.__name__, node).add_edge(START, node.__name__)
    return builder.compile()

def sends(state):
    return [Send("item", {"n": n}) for n in range(3)]

graphs = {
    "node": simple(tool),
    "deep": nested(nested(simple(tool))),
    "three": simple(three),
    "three_deep": nested(nested(simple(three))),
    "beside": beside(tool, late),
    "overtaken": beside(slow, late),
    "sends": StateGraph(State).add_node("item", item).add_conditional_edges(START, sends, ["item"])
    .compile(),
}

async def main(name, db, answer):
    async with AsyncSqliteSaver.from_conn_string(db) as saver:
        graph, config = graphs[name], {"configurable": {"thread_id": "t"}}
        graph.checkpointer = saver
        given = {} if answer == "ask" else Command(resume=answer)
        try:
            await graph.ainvoke(given, config)
        except ValueError:
            pass

if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
'''


class App:
    """The application's file, its processes, and what its tools did."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        # A name of its own: a graph's file stays loaded under it.
        self.file = desk.db.parent / f"app_{desk.db.parent.name.replace('-', '_')}.py"
        self.file.write_text(textwrap.dedent(APP))

    def graph(self, name: str) -> Any:
        return load_module(GraphRef.parse(f"g={self.file}:graphs")).graphs[name]

    def run(self, name: str, answer: str) -> None:
        subprocess.run(self._command(name, answer), check=True, timeout=60)

    def kill_in_tool(self, name: str, questions: int = 1) -> None:
        """Resume plainly, and kill the application when its tool has begun and its answer is
        stored, which LangGraph does at the same time."""
        before = len(self.log())

        def begun() -> bool:
            open_now = self.desk.source.thread_questions("t")
            stored = any(q.leftover_answer and not q.leftover_spent for q in open_now)
            noted = any(line.endswith("=stuck") for line in self.log()[before:])
            return stored and noted and len(open_now) == questions

        process = subprocess.Popen(self._command(name, "stuck"))
        deadline = time.monotonic() + 30
        while not begun():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def log(self) -> list[str]:
        path = Path(os.environ["TOOL_LOG"])
        return path.read_text().split() if path.exists() else []

    def _command(self, name: str, answer: str) -> list[str]:
        return [sys.executable, str(self.file), name, str(self.desk.db), answer]
