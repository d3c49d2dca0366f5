"""A person orders another attempt: what runs again, and what must not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from hitloop_tui.attach.review import Act, State
from hitloop_tui.attach.worker import Worker
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain, fan_out, quiet, tool

fails: dict[str, int] = {}
"""How often a step still raises, by name."""


@pytest.fixture(autouse=True)
def _nothing_yet() -> None:
    calls.clear()
    fails.clear()


def step(name: str, answer: Any = None) -> None:
    calls.append((name, answer))
    if fails.get(name, 0) > 0:
        fails[name] -= 1
        raise ValueError(f"{name} {fails[name]}")


def pays(state: Values) -> Values:
    step("pays", interrupt("pay?"))
    return {"log": ["paid"]}


def later(state: Values) -> Values:
    step("later")
    return {}


def nested(inner: Any, levels: int) -> Any:
    for _ in range(levels):
        inner = StateGraph(Values).add_node("sub", inner).add_edge(START, "sub").compile()
    return inner


async def failed(desk: Desk, graph: Any, *, times: int = 1, name: str = "pays") -> str:
    """A decision whose attempt has failed; its key."""
    fails[name] = times
    [question] = await desk.ask(graph, "t", {})
    key = desk.decide(question, "yes")
    assert await desk.work({"g": graph}) == {"failed": 1}
    return key


class TestStoredAnswer:
    @pytest.mark.parametrize("levels", [0, 1, 2])
    async def test_runs_again_once(self, desk: Desk, levels: int) -> None:
        graph = nested(chain(pays, quiet), levels)
        key = await failed(desk, graph)
        assert await desk.work({"g": graph}) == {}
        desk.order(key, Act.RETRY)
        assert desk.record(key).state is State.DECIDED
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert await desk.work({"g": graph}) == {}
        assert calls == [("pays", "yes")] * 2
        assert desk.record(key).state is State.APPLIED
        assert desk.source.thread_questions("t") == []
        assert desk.faults() == []

    async def test_fails_again_and_again(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed(desk, graph, times=3)
        details = [desk.record(key).detail]
        for _ in range(2):
            desk.order(key, Act.RETRY)
            assert await desk.work({"g": graph}) == {"failed": 1}
            details.append(desk.record(key).detail)
        assert details == [f"pays raised ValueError: pays {n}" for n in (2, 1, 0)]
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("pays", "yes")] * 4

    async def test_of_another_program_is_not_ours(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed(desk, graph, times=2)
        desk.order(key, Act.CLEAR)
        assert await desk.work({"g": graph}) == {"applied": 1}
        [question] = desk.source.thread_questions("t")
        key = desk.decide(question, "no")
        desk.dead_worker("t")
        with pytest.raises(ValueError, match="pays"):
            await desk.ask(graph, "t", Command(resume="theirs"))
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert "another program has answered" in desk.record(key).detail
        assert calls == [("pays", "yes"), ("pays", "theirs")]

    async def test_the_second_of_three_questions(self, desk: Desk) -> None:
        def asks(state: Values) -> Values:
            for n in range(3):
                step(f"q{n}", interrupt({"n": n}))
            return {}

        graph, keys = chain(asks), []
        fails["q1"] = 1
        [question] = await desk.ask(graph, "t", {})
        for n in range(2):
            keys.append(desk.decide(question, f"a{n}"))
            await desk.work({"g": graph})
            [question] = desk.source.thread_questions("t")
        assert question.answered
        desk.order(keys[1], Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        [third] = desk.source.thread_questions("t")
        assert (third.value, third.answered) == ({"n": 2}, False)
        assert [answer for name, answer in calls if name == "q2"] == []
        assert [answer for name, answer in calls if name == "q1"] == ["a1", "a1"]

    async def test_functional_api(self, desk: Desk) -> None:
        @task
        def pay(n: int) -> str:
            answer = interrupt({"n": n})
            step(f"pay{n}", answer)
            return str(answer)

        @entrypoint()
        async def graph(given: int) -> list[str]:
            return [await future for future in [pay(n) for n in range(given)]]

        fails["pay0"] = 1
        first, second = sorted(await desk.ask(graph, "t", 2), key=lambda q: q.value["n"])
        key = desk.decide(first, "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        desk.decide(second, "no")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("pay0", "yes"), ("pay0", "yes"), ("pay1", "no")]


class TestNothingStored:
    @pytest.mark.parametrize("levels", [0, 2])
    async def test_after_a_dead_worker(self, desk: Desk, levels: int) -> None:
        graph = nested(chain(pays), levels)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        desk.dead_worker("t")
        assert await desk.work({"g": graph}) == {}
        assert desk.record(key).state is State.UNCERTAIN
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("pays", "yes")]

    async def test_moved_on(self, desk: Desk) -> None:
        graph = chain(pays)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        desk.dead_worker("t")
        desk.order(key, Act.RETRY)
        await desk.ask(graph, "t", {"log": ["new input"]})
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert calls == []


class TestAnswerTaken:
    async def test_a_later_node_runs_again_alone(self, desk: Desk) -> None:
        graph = chain(pays, later, tool)
        key = await failed(desk, graph, times=2, name="later")
        assert desk.review(key).acts == (Act.RETRY, Act.DISMISS)
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"failed": 1}
        assert "later raised ValueError: later 0" in desk.record(key).detail
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("pays", "yes"), *[("later", None)] * 3]
        [question] = desk.source.thread_questions("t")
        assert question.value == {"tool": "refund", "args": {"amount": 10}}

    async def test_moved_on(self, desk: Desk) -> None:
        graph = chain(pays, later)
        key = await failed(desk, graph, name="later")
        desk.order(key, Act.RETRY)
        await asyncio.sleep(0.01)
        await desk.ask(graph, "t", {"log": ["new input"]})
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert calls == [("pays", "yes"), ("later", None)]

    async def test_resumed_by_another_program(self, desk: Desk) -> None:
        graph = chain(pays, later)
        key = await failed(desk, graph, times=2, name="later")
        desk.order(key, Act.RETRY)
        with pytest.raises(ValueError, match="later"):
            await desk.ask(graph, "t", Command(resume="theirs"))
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert calls == [("pays", "yes"), ("later", None), ("later", None)]

    async def test_at_its_end(self, desk: Desk) -> None:
        graph = chain(pays)
        [question] = await desk.ask(graph, "t", {})
        key = desk.decide(question, "yes")
        desk.dead_worker("t")
        await desk.ask(graph, "t", Command(resume="yes"))
        with desk.file.transaction() as connection:  # as if the worker had lived that long
            connection.execute("UPDATE workers SET heartbeat_at=heartbeat_at+5")
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"stale": 1}
        assert "nothing to try again" in desk.record(key).detail
        assert calls == [("pays", "yes")]


class TestSiblings:
    async def ask(self, desk: Desk, count: int) -> tuple[Any, dict[int, str]]:
        def one(state: Values) -> Values:
            step(f"one{state['item']}", interrupt({"n": state["item"]}))
            return {"log": [state["item"]]}

        graph = fan_out(one, count)
        questions = {q.value["n"]: q for q in await desk.ask(graph, "t", {})}
        self.questions = questions
        return graph, {n: q.identity.key for n, q in questions.items()}

    async def test_a_failed_one_does_not_run_with_another(self, desk: Desk) -> None:
        graph, keys = await self.ask(desk, 3)
        fails["one0"] = 1
        desk.decide(self.questions[0], "A")
        assert await desk.work({"g": graph}) == {"failed": 1}
        desk.decide(self.questions[1], "B")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("one0", "A"), ("one1", "B")]
        assert desk.review(keys[0]).state is State.FAILED
        assert desk.review(keys[0]).question.answered
        desk.order(keys[0], Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("one0", "A"), ("one1", "B"), ("one0", "A")]
        [left] = desk.source.thread_questions("t")
        assert left.identity.key == keys[2]

    async def test_a_failed_one_of_another_program_neither(self, desk: Desk) -> None:
        graph, keys = await self.ask(desk, 2)
        fails["one0"] = 1
        theirs = {self.questions[0].identity.interrupt_id: "theirs"}
        with pytest.raises(ValueError, match="one0"):
            await desk.ask(graph, "t", Command(resume=theirs))
        desk.decide(self.questions[1], "B")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == [("one0", "theirs"), ("one1", "B")]
        assert desk.review(keys[0]).question.answered
        assert desk.review(keys[0]).acts == (Act.RETRY, Act.CLEAR)

    async def test_a_retry_and_a_first_attempt_together(self, desk: Desk) -> None:
        graph, keys = await self.ask(desk, 3)
        fails["one0"] = 1
        desk.decide(self.questions[0], "A")
        assert await desk.work({"g": graph}) == {"failed": 1}
        desk.order(keys[0], Act.RETRY)
        desk.decide(self.questions[1], "B")
        assert await desk.work({"g": graph}) == {"applied": 2}
        assert sorted(calls[1:]) == [("one0", "A"), ("one1", "B")]
        [left] = desk.source.thread_questions("t")
        assert (left.identity.key, left.answered) == (keys[2], False)

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
        fails["body"] = 2
        [question] = await desk.ask(graph, "t", 1)
        key = desk.decide(question, "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
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
        fails["body"] = 1
        await desk.ask(graph, "t", 1)
        with pytest.raises(ValueError, match="body"):
            await desk.ask(graph, "t", Command(resume="theirs"))
        [question] = desk.source.thread_questions("t")
        review = desk.review(question.identity.key)
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
        fails["later"] = 1
        await desk.ask(graph, "t", {})
        with pytest.raises(ValueError, match="later"):
            await desk.ask(graph, "t", Command(resume="theirs"))
        [question] = desk.source.thread_questions("t")
        review = desk.review(question.identity.key)
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
        fails["later"] = 1
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
        fails["later"] = 1
        questions = {str(q.value): q for q in await desk.ask(graph, "t", {})}
        key = desk.decide(questions.pop("pay?"), "yes")
        assert await desk.work({"g": graph}) == {"failed": 1}
        [other] = questions.values()
        desk.decide(other, "other")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert [call for call in calls if call[0] == "pays"] == [("pays", "yes")]
        assert desk.source.thread_questions("t") == []
        assert desk.record(key).state is State.FAILED
