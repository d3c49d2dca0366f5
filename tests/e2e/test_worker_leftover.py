"""What a plain resume of another program leaves behind reaches no other question.

The application runs as a process of its own and is killed in the middle of its tool.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from hitloop_tui.attach.checkpoint_sql import NULL_TASK
from hitloop_tui.attach.graph_file import load_module
from hitloop_tui.attach.graph_ref import GraphRef
from hitloop_tui.attach.review import Act, Question, State
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain

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


@pytest.fixture
def app(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("TOOL_LOG", str(tmp_path / "tool.log"))
    return App(desk)


def only(desk: Desk) -> Question:
    [question] = desk.source.thread_questions("t")
    return question


class TestKilledInMidTool:
    @pytest.mark.parametrize("name", ["node", "deep"])
    async def test_clear_then_reject(self, desk: Desk, app: App, name: str) -> None:
        app.run(name, "ask")
        app.kill_in_tool(name)
        key = only(desk).identity.key
        review = desk.review(key)
        assert (review.state, review.acts) == (State.UNCERTAIN, (Act.RETRY, Act.CLEAR))
        desk.order(key, Act.CLEAR)
        assert await desk.work({"g": app.graph(name)}) == {"applied": 1}
        assert desk.review(key).state is State.PENDING
        desk.decide(only(desk), "reject")
        assert await desk.work({"g": app.graph(name)}) == {"applied": 1}
        assert app.log() == ["tool=stuck", "tool=reject"]
        assert desk.source.thread_questions("t") == []

    @pytest.mark.parametrize("name", ["node", "deep"])
    async def test_retry_runs_it_with_that_answer_once(
        self, desk: Desk, app: App, name: str
    ) -> None:
        app.run(name, "ask")
        app.kill_in_tool(name)
        desk.order(only(desk).identity.key, Act.RETRY)
        assert await desk.work({"g": app.graph(name)}) == {"applied": 1}
        assert await desk.work({"g": app.graph(name)}) == {}
        assert app.log() == ["tool=stuck", "tool=stuck"]

    @pytest.mark.parametrize("name", ["three", "three_deep"])
    async def test_at_the_second_question(self, desk: Desk, app: App, name: str) -> None:
        """The first one took its answer: that says nothing about the second one."""
        app.run(name, "ask")
        app.run(name, "stuck_not")
        assert desk.review(only(desk).identity.key).state is State.PENDING
        app.kill_in_tool(name)
        review = desk.review(only(desk).identity.key)
        assert (review.question.value, review.state) == ("q1?", State.UNCERTAIN)
        desk.order(review.key, Act.RETRY)
        assert await desk.work({"g": app.graph(name)}) == {"applied": 1}
        review = desk.review(only(desk).identity.key)
        assert (review.question.value, review.state) == ("q2?", State.PENDING)
        desk.decide(only(desk), "mine")
        assert await desk.work({"g": app.graph(name)}) == {"applied": 1}
        assert [line for line in app.log() if line.startswith("q2")] == ["q2=mine"]

    async def test_with_the_same_answer_twice(self, desk: Desk, app: App) -> None:
        """Only the order of the rows tells the answer that was taken from the one that was not."""
        app.run("three", "ask")
        app.run("three", "yes")
        assert desk.review(only(desk).identity.key).state is State.PENDING
        place = {"thread_id": "t", "checkpoint_ns": ""}
        place["checkpoint_id"] = only(desk).identity.checkpoint_id
        with SqliteSaver.from_conn_string(str(desk.db)) as saver:  # as `Command(resume=)` does
            saver.put_writes({"configurable": place}, [("__resume__", "yes")], NULL_TASK)
        assert desk.review(only(desk).identity.key).state is State.UNCERTAIN

    async def test_beside_a_question_that_came_later(self, desk: Desk, app: App) -> None:
        """To resume the one would run the other's tool a second time."""
        app.run("beside", "ask")
        app.kill_in_tool("beside", questions=2)
        states = {q.value: desk.review(q.identity.key) for q in desk.source.thread_questions("t")}
        assert {value: review.state for value, review in states.items()} == {
            "tool?": State.UNCERTAIN,
            "late?": State.PENDING,
        }
        late = desk.decide(states["late?"].question, "mine")
        assert await desk.work({"g": app.graph("beside")}) == {}
        assert desk.record(late).state is State.DECIDED
        desk.order(states["tool?"].key, Act.CLEAR)
        assert await desk.work({"g": app.graph("beside")}) == {"applied": 2}
        assert desk.record(late).state is State.APPLIED
        assert app.log() == ["late", "tool=stuck", "late=mine"]


class TestSpent:
    @pytest.mark.parametrize("name", ["three", "three_deep"])
    async def test_no_later_question_gets_it(self, desk: Desk, app: App, name: str) -> None:
        app.run(name, "ask")
        app.run(name, "theirs")
        assert only(desk).leftover_answer
        for n in (1, 2):
            question = only(desk)
            assert desk.review(question.identity.key).state is State.PENDING
            assert question.value == f"q{n}?"
            desk.decide(question, f"mine{n}")
            assert await desk.work({"g": app.graph(name)}) == {"applied": 1}
        answers = dict(line.split("=") for line in app.log())
        assert answers == {"q0": "theirs", "q1": "mine1", "q2": "mine2"}

    async def test_another_task_took_it(self, desk: Desk, app: App) -> None:
        """LangGraph gives the value to whichever task asks first."""
        app.run("overtaken", "ask")
        assert only(desk).value == "slow?"
        app.run("overtaken", "theirs")
        question = only(desk)
        assert (question.value, question.leftover_answer) == ("slow?", True)
        assert desk.review(question.identity.key).state is State.PENDING
        desk.decide(question, "mine")
        assert await desk.work({"g": app.graph("overtaken")}) == {"applied": 1}
        assert app.log() == ["late", "late=theirs", "slow=mine"]

    async def test_of_several_sends_the_last_one(self, desk: Desk, app: App) -> None:
        app.run("sends", "ask")
        first, second, last = sorted(desk.source.thread_questions("t"), key=lambda q: q.value)
        for question in (first, second):
            desk.decide(question, "mine")
        assert await desk.work({"g": app.graph("sends")}) == {"applied": 2}
        app.kill_in_tool("sends")
        review = desk.review(last.identity.key)
        assert review.state is State.UNCERTAIN
        desk.order(last.identity.key, Act.CLEAR)
        await desk.work({"g": app.graph("sends")})
        desk.decide(only(desk), "mine")
        assert await desk.work({"g": app.graph("sends")}) == {"applied": 1}
        *both, stuck, mine = app.log()
        assert sorted(both) == ["item0=mine", "item1=mine"]
        assert (stuck, mine) == ("item2=stuck", "item2=mine")

    async def test_a_task_that_refused_it(self, desk: Desk) -> None:
        class Answer(BaseModel):
            ok: bool

        def asks(state: Values) -> Values:
            calls.append(interrupt("go?", response_schema=Answer).ok)
            calls.append(interrupt("more?"))
            return {}

        graph = chain(asks)
        await desk.ask(graph, "t", {})
        with pytest.raises(ValueError, match="validation error"):
            await desk.ask(graph, "t", Command(resume="perhaps"))
        question = only(desk)
        assert question.leftover_answer
        assert desk.review(question.identity.key).state is State.PENDING
        desk.decide(question, {"ok": True})
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [True]
        assert only(desk).value == "more?"

    async def test_a_retry_does_not_pass_it_on(self, desk: Desk) -> None:
        def asks(state: Values) -> Values:
            calls.append(interrupt("pay?"))
            if len(calls) == 1:
                raise ValueError("no")
            calls.append(interrupt("more?"))
            return {}

        graph = chain(asks)
        await desk.ask(graph, "t", {})
        with pytest.raises(ValueError, match="no"):
            await desk.ask(graph, "t", Command(resume="theirs"))
        assert only(desk).answered
        desk.order(only(desk).identity.key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert only(desk).value == "more?"
        assert calls == ["theirs", "theirs"]
