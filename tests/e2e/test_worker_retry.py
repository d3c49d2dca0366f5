"""A person orders another attempt: what runs again, and what must not."""

from __future__ import annotations

import asyncio

import pytest
from langgraph.func import entrypoint, task
from langgraph.types import Command, interrupt

from hitloop_tui.attach.review import Act, State
from tests.e2e.failing_steps import failed, later, pays, step
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain, fails, nested, quiet, tool


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
        fails.append("q1")
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

        fails.append("pay0")
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
