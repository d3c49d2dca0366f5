"""What is read equals what LangGraph says, for every way in which a graph can ask."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.review import Question
from tests import zoo

SQL_KNOWS_MORE = {"handled", "functional"}
"""`get_state` hides the question of an error handler, and all but one of a functional graph's."""


class Thread:
    """One thread of a zoo graph, seen by LangGraph and by us."""

    def __init__(self, source: Checkpoints, saver: Any, name: str, state: str = "dict") -> None:
        self.source, self.graph, self.name = source, zoo.compiled(name, saver, state), name
        self.id = f"{name}-{state}"
        self.config = {"configurable": {"thread_id": self.id}}

    def run(self, given: Any) -> None:
        try:
            self.graph.invoke(given, self.config)
        except ValueError:
            assert self.name in ("failing", "raising", "schema")

    def questions(self) -> list[Question]:
        return self.source.thread_questions(self.id)

    def ids(self) -> dict[str, str]:
        """Our Review ids by interrupt id."""
        return {q.identity.interrupt_id: q.identity.key for q in self.questions()}

    def theirs(self) -> set[str]:
        return {i.id for i in self.graph.get_state(self.config, subgraphs=True).interrupts}

    def check(self) -> None:
        ours = self.ids().keys()
        if self.name in SQL_KNOWS_MORE:
            assert self.theirs() <= ours
        else:
            assert self.theirs() == ours


@pytest.fixture
def source(tmp_path):
    found = Checkpoints(tmp_path / "agents.db")
    yield found
    found.close()


@pytest.fixture
def saver(source, saver_of):
    return saver_of(source.path)


@pytest.mark.parametrize("state", zoo.STATES)
@pytest.mark.parametrize("name", [*zoo.BUILDERS, "functional"])
def test_same_as_langgraph_until_done(source, saver, name, state):
    """Each question is answered alone; the ids of its siblings stay what they were."""
    thread = Thread(source, saver, name, state)
    thread.run({"said": []})
    thread.check()
    for _ in range(60):
        waiting = [q for q in thread.questions() if not q.answered]
        if not waiting or (name == "sends" and len(waiting) < 45):
            break
        asked, before = waiting[0].identity, thread.ids()
        answer = {"amount": 2} if name == "schema" else "stop" if name == "looping" else "A"
        thread.run(Command(resume={asked.interrupt_id: answer}))
        thread.check()
        after = thread.ids()
        assert asked.key not in after.values()
        assert {i: key for i, key in before.items() if i in after and i != asked.interrupt_id} == {
            i: key for i, key in after.items() if i in before and i != asked.interrupt_id
        }
    assert name == "sends" or not waiting


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(sorted(set(zoo.BUILDERS) - {"sends"})),
    steps=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_any_sequence_of_answers(tmp_path_factory, name, steps, seed):
    """Random answers, several at once, wrong ones, new inputs and edits, on any small graph.

    What is open after a node raised depends on how far its siblings were, so the moves are thrown
    here: Hypothesis wants the same choices to be offered every time.
    """
    dice = random.Random(seed)
    folder = tmp_path_factory.mktemp("walk")
    connection = sqlite3.connect(folder / "walk.db", check_same_thread=False)
    source = Checkpoints(folder / "walk.db")
    thread = Thread(source, SqliteSaver(connection), name)
    thread.run({"said": []})
    seen: dict[str, str] = {}
    for _ in range(steps):
        open_now = [q for q in thread.questions() if not q.answered]
        move = dice.choice(["answer", "answer", "answer", "input", "edit"])
        if move == "input" or not open_now:
            thread.run({"said": []})
        elif move == "edit":
            thread.graph.update_state(thread.config, {"said": ["edited"]})
        else:
            chosen = dice.sample(open_now, dice.randint(1, len(open_now)))
            form: list[Any] = [{"amount": 1.5}, {"amount": "x"}]
            answers = form if name == "schema" else ["A", "boom", "stop"]
            thread.run(
                Command(resume={q.identity.interrupt_id: dice.choice(answers) for q in chosen})
            )
        thread.check()
        for question in thread.questions():
            content = question.digest
            assert seen.setdefault(question.identity.key, content) == content
    source.close()
    connection.close()


def test_an_edit_takes_the_question_away_and_the_next_one_is_another(source, saver):
    thread = Thread(source, saver, "one")
    thread.run({"said": []})
    [before] = thread.questions()
    thread.graph.update_state(thread.config, {"said": ["edited"]})
    assert thread.questions() == []
    thread.run(None)
    [after] = thread.questions()
    assert after.identity.key != before.identity.key
    assert before.identity in source.asked_before(before.identity.id)


def test_asked_again_in_a_loop_is_another_question(source, saver):
    thread = Thread(source, saver, "looping")
    thread.run({"said": []})
    seen = set()
    for _ in range(3):
        [question] = thread.questions()
        seen.add(question.identity.key)
        thread.run(Command(resume={question.identity.interrupt_id: "more"}))
    assert len(seen) == 3


@pytest.mark.parametrize("name", ["sequence", "subgraph", "stateful", "two_levels", "functional"])
def test_every_question_ever_asked_is_found_again(source, saver, name):
    thread = Thread(source, saver, name)
    thread.run({"said": []})
    seen = {}
    while waiting := thread.questions():
        # The only trace of a functional task's first question is in the second one's place.
        seen |= {q.identity.key: q.identity for q in waiting if q.value != "y1"}
        thread.run(Command(resume={waiting[0].identity.interrupt_id: "A"}))
    for key, identity in seen.items():
        assert identity in source.asked_before(key[:16])


async def test_cancelled_beside_a_failure_keeps_its_answer(tmp_path):
    """Such a task would take the old answer again, whatever it is told the second time."""

    async def slow(_):
        answer = interrupt("slow")
        await asyncio.sleep(30)
        return {"said": [answer]}

    async def boom(_):
        interrupt("boom")
        await asyncio.sleep(0.05)
        raise ValueError("boom")

    graph = StateGraph(zoo.Plain)
    for node in (slow, boom):
        graph.add_node(node.__name__, node)
        graph.add_edge(START, node.__name__)
    source = Checkpoints(tmp_path / "a.db")
    config = {"configurable": {"thread_id": "t"}}
    async with AsyncSqliteSaver.from_conn_string(str(source.path)) as saver:
        compiled = graph.compile(checkpointer=saver)
        await compiled.ainvoke({"said": []}, config)
        ids = [q.identity.interrupt_id for q in source.thread_questions("t")]
        with pytest.raises(ValueError, match="boom"):
            await compiled.ainvoke(Command(resume=dict.fromkeys(ids, "approve")), config)
        for _ in range(100):
            found = {q.value: q for q in source.thread_questions("t")}
            if found["slow"].answered:
                break
            await asyncio.sleep(0.02)
    assert found["slow"].answered
    assert found["slow"].error == "CancelledError()"
    assert found["boom"].error == "ValueError('boom')"
    source.close()


def test_answered_and_failed_in_a_functional_graph(source, saver):
    from langgraph.func import entrypoint, task

    @task
    def risky(name: str) -> Any:
        if interrupt(name) == "boom":
            raise ValueError(name)

    @entrypoint(checkpointer=saver)
    def flow(_: Any) -> Any:
        first, second = risky("x"), risky("y")
        return [first.result(), second.result()]

    config = {"configurable": {"thread_id": "f"}}
    flow.invoke("go", config)
    ids = {q.value: q.identity.interrupt_id for q in source.thread_questions("f")}
    flow.invoke(Command(resume={ids["y"]: "boom"}), config)  # x, still waiting, hides the error
    answered = {q.value: q.answered for q in source.thread_questions("f")}
    assert answered["y"]
    assert not answered.get("x", False)


def test_a_failure_in_a_subgraph_is_its_own(source, saver):
    graph = StateGraph(zoo.Plain)
    graph.add_node("sub", zoo.failing().compile())
    graph.add_edge(START, "sub")
    compiled, config = graph.compile(checkpointer=saver), {"configurable": {"thread_id": "u"}}
    compiled.invoke({"said": []}, config)
    ids = {q.value: q.identity.interrupt_id for q in source.thread_questions("u")}
    with pytest.raises(ValueError, match="boom"):
        compiled.invoke(Command(resume={ids["a1"]: "boom"}), config)
    found = {q.value: (q.answered, q.error) for q in source.thread_questions("u")}
    assert found["a1"] == (True, "ValueError('boom a1')")
    assert found["wait"] == (False, None)


def test_a_plain_resume_leaves_a_mark(source, saver):
    thread = Thread(source, saver, "failing")
    thread.run({"said": []})
    ids = {q.value: q.identity.interrupt_id for q in thread.questions()}
    thread.run(Command(resume={ids["b1"]: "A", ids["wait"]: "A"}))
    ids = {q.value: q.identity.interrupt_id for q in thread.questions()}
    thread.run(Command(resume={ids["b2"]: "A"}))
    thread.run(Command(resume="boom"))
    [left] = thread.questions()
    assert left.leftover_answer
    assert left.answered


def test_durability_exit_and_async_saver(tmp_path):
    source = Checkpoints(tmp_path / "a.db")

    async def ask() -> set[str]:
        async with AsyncSqliteSaver.from_conn_string(str(source.path)) as saver:
            graph = zoo.parallel().compile(checkpointer=saver)
            config = {"configurable": {"thread_id": "t"}}
            await graph.ainvoke({"said": []}, config, durability="exit")
            return {i.id for i in (await graph.aget_state(config)).interrupts}

    theirs = asyncio.run(ask())
    assert {q.identity.interrupt_id for q in source.thread_questions("t")} == theirs
    source.close()
