"""What a plain resume of another program leaves behind reaches no other question.

The application runs as a process of its own and is killed in the middle of its tool.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from hitloop_tui.attach.checkpoint_sql import NULL_TASK
from hitloop_tui.attach.review import Act, Question, State
from tests.e2e.plain_app import App
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain


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
