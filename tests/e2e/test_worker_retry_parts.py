"""Another attempt at a part of a run: a task, a function's body, a subgraph's node."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from hitloop_tui.attach.review import Act, Question, State
from hitloop_tui.attach.worker import Worker
from tests.e2e.failing_steps import failed, failed_elsewhere, later, pays, step
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain, fails, fan_out, nested, tool


class TestSiblings:
    async def ask(self, desk: Desk, count: int) -> tuple[Any, dict[int, Question]]:
        def one(state: Values) -> Values:
            step(f"one{state['item']}", interrupt({"n": state["item"]}))
            return {"log": [state["item"]]}

        graph = fan_out(one, count)
        return graph, {q.value["n"]: q for q in await desk.ask(graph, "t", {})}

    async def test_a_failed_one_does_not_run_with_another(self, desk: Desk) -> None:
        graph, questions = await self.ask(desk, 3)
        fails.append("one0")
        key = desk.decide(questions[0], "A")
        assert await desk.work({"g": graph}) == {"failed": 1}
        desk.decide(questions[1], "B")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("one0", "A"), ("one1", "B")]
        assert desk.review(key).state is State.FAILED
        assert desk.review(key).question.answered
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("one0", "A"), ("one1", "B"), ("one0", "A")]
        [left] = desk.source.thread_questions("t")
        assert left.identity.key == questions[2].identity.key

    async def test_a_failed_one_of_another_program_neither(self, desk: Desk) -> None:
        graph, questions = await self.ask(desk, 2)
        fails.append("one0")
        theirs = {questions[0].identity.interrupt_id: "theirs"}
        with pytest.raises(ValueError, match="one0"):
            await desk.ask(graph, "t", Command(resume=theirs))
        desk.decide(questions[1], "B")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("one0", "theirs"), ("one1", "B")]
        review = desk.review(questions[0].identity.key)
        assert review.question.answered
        assert review.acts == (Act.RETRY, Act.CLEAR)

    async def test_a_retry_and_a_first_attempt_together(self, desk: Desk) -> None:
        graph, questions = await self.ask(desk, 3)
        fails.append("one0")
        key = desk.decide(questions[0], "A")
        assert await desk.work({"g": graph}) == {"failed": 1}
        desk.order(key, Act.RETRY)
        desk.decide(questions[1], "B")
        assert await desk.work({"g": graph}) == {"applied": 2}
        assert sorted(calls[1:]) == [("one0", "A"), ("one1", "B")]
        [left] = desk.source.thread_questions("t")
        assert (left.identity.key, left.answered) == (questions[2].identity.key, False)

    async def test_one_that_was_stopped_halfway(self, desk: Desk) -> None:
        started = asyncio.Event()

        async def one(state: Values) -> Values:
            answer = interrupt({"n": state["item"]})
            calls.append((state["item"], answer))
            if state["item"] == 0 and len(calls) < 3:
                started.set()
                await asyncio.sleep(30)
            await started.wait()
            if state["item"] == 1 and len(calls) < 3:
                raise ValueError("no")
            return {}

        graph = fan_out(one, 2)
        keys = {q.value["n"]: desk.decide(q, "yes") for q in await desk.ask(graph, "t", {})}
        assert await desk.work({"g": graph}) == {"uncertain": 1, "failed": 1}
        calls.append("second round")
        desk.order(keys[0], Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls[-1] == (0, "yes")
        assert calls.count((1, "yes")) == 1
        assert desk.record(keys[1]).state is State.FAILED


class TestFunctionalBody:
    """The function that called the task raises afterwards; its row still holds the question."""

    def graph(self) -> Any:
        @task
        def pay() -> str:
            answer = interrupt("pay?")
            step("pay", answer)
            return str(answer)

        @entrypoint()
        async def graph(given: int) -> str:
            paid = await pay()
            step("body")
            return paid

        return graph

    async def test_runs_again_without_its_task(self, desk: Desk) -> None:
        graph = self.graph()
        key = await failed(desk, graph, times=2, name="body", given=1)
        assert desk.record(key).detail.startswith("the answer was taken; then ")
        [question] = desk.source.thread_questions("t")
        assert question.identity.key == key
        assert desk.review(key).acts == (Act.RETRY,)
        for outcome in ("failed", "applied"):
            desk.order(key, Act.RETRY)
            assert await desk.work({"g": graph}) == {outcome: 1}
        assert calls == [("pay", "yes"), *[("body", None)] * 3]

    async def test_of_another_program(self, desk: Desk) -> None:
        graph = self.graph()
        review = await failed_elsewhere(desk, graph, "body", 1)
        assert (review.state, review.acts) == (State.FAILED, (Act.RETRY,))
        desk.order(review.key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("pay", "theirs"), ("body", None), ("body", None)]


class TestInsideASubgraph:
    """The task that asked has ended, and a later one inside the same subgraph has not."""

    @pytest.mark.parametrize("levels", [1, 2])
    async def test_a_later_node_runs_again_alone(self, desk: Desk, levels: int) -> None:
        graph = nested(chain(pays, later), levels)
        key = await failed(desk, graph, times=2, name="later")
        review = desk.review(key)
        assert (review.state, review.acts) == (State.FAILED, (Act.RETRY,))
        for outcome in ("failed", "applied"):
            desk.order(key, Act.RETRY)
            assert await desk.work({"g": graph}) == {outcome: 1}
        assert calls == [("pays", "yes"), *[("later", None)] * 3]
        assert desk.source.thread_questions("t") == []

    @pytest.mark.parametrize("levels", [1, 2])
    async def test_of_another_program(self, desk: Desk, levels: int) -> None:
        graph = nested(chain(pays, later), levels)
        review = await failed_elsewhere(desk, graph, "later")
        assert (review.state, review.acts) == (State.FAILED, (Act.RETRY,))
        desk.order(review.key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("pays", "theirs"), ("later", None), ("later", None)]

    async def test_a_worker_that_was_stopped_there(self, desk: Desk) -> None:
        """The question must not look like a new one, for another answer would reach nobody."""
        started = asyncio.Event()

        async def slow(state: Values) -> Values:
            step("slow")
            if not started.is_set():
                started.set()
                await asyncio.sleep(30)
            return {}

        graph = nested(chain(pays, slow), 2)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        async with Worker({"g": graph}, desk.db, grace_s=0.1):
            await started.wait()
        [question] = desk.source.thread_questions("t")
        assert question.identity.key == key
        review = desk.review(key)
        assert (review.state, review.acts) == (State.UNCERTAIN, (Act.RETRY, Act.DONE))
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("pays", "yes"), ("slow", None), ("slow", None)]

    async def test_after_a_task_that_asked_twice(self, desk: Desk) -> None:
        """LangGraph does not store the last answer of a task that has ended."""

        def twice(state: Values) -> Values:
            step("one", interrupt("one?"))
            step("two", interrupt("two?"))
            return {}

        graph, keys = nested(chain(twice, later), 1), []
        fails.append("later")
        [question] = await desk.ask(graph, "t", {})
        for answer in ("a", "b"):
            keys.append(desk.decide(question, answer))
            await desk.work({"g": graph})
            [question] = desk.source.thread_questions("t")
        assert question.identity.key == keys[1]
        assert desk.review(keys[1]).acts == (Act.RETRY,)
        desk.order(keys[1], Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert [call for call in calls if call[0] == "two"] == [("two", "b")]

    async def test_beside_another_question(self, desk: Desk) -> None:
        """The answer that was consumed stays, whatever is resumed beside it."""
        builder = StateGraph(Values).add_node("sub", chain(pays, later)).add_node("tool", tool)
        graph = builder.add_edge(START, "sub").add_edge(START, "tool").compile()
        fails.append("later")
        questions = {str(q.value): q for q in await desk.ask(graph, "t", {})}
        key = desk.decide(questions.pop("pay?"), "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
        [other] = questions.values()
        desk.decide(other, "other")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert [call for call in calls if call[0] == "pays"] == [("pays", "yes")]
        assert desk.source.thread_questions("t") == []
        assert desk.record(key).state is State.FAILED
