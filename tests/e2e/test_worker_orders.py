"""Orders that a worker carries out: an answer is cleared, or somebody else's is run again."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
from langgraph.types import Command, interrupt

from hitloop_tui.attach import order_leases, orders
from hitloop_tui.attach.carry_out import carry_out
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, State
from hitloop_tui.attach.worker import RETRY_S, Worker
from hitloop_tui.errors import Conflict
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, chain, fails, fan_out, nested, tool


def pays(state: Values) -> Values:
    answer = interrupt("pay?")
    calls.append(answer)
    if answer in fails:
        fails.remove(answer)
        raise ValueError("no")
    return {"log": [answer]}


async def failed(desk: Desk, graph: Any, thread: str = "t") -> str:
    fails.append("yes")
    [question] = await desk.ask(graph, thread, {})
    key = desk.decide(question, "yes")
    assert await desk.work({"g": graph}) == {"failed": 1}
    return key


async def failed_elsewhere(desk: Desk, graph: Any) -> str:
    fails.append("theirs")
    await desk.ask(graph, "t", {})
    with pytest.raises(ValueError, match="no"):
        await desk.ask(graph, "t", Command(resume="theirs"))
    [question] = desk.source.thread_questions("t")
    return question.identity.key


class TestClear:
    @pytest.mark.parametrize("levels", [0, 1, 2])
    async def test_then_another_answer_takes_effect(self, desk: Desk, levels: int) -> None:
        graph = nested(chain(pays), levels)
        key = await failed(desk, graph)
        desk.order(key, Act.CLEAR)
        assert desk.review(key).acts == ()
        assert await desk.work({"g": graph}) == {"applied": 1}
        review = desk.review(key)
        assert (review.state, review.decided_by) == (State.PENDING, None)
        assert calls == ["yes"]
        assert [e.data["order"] for e in desk.events("cleared")] == ["clear"]
        desk.decide(review.question, "no")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["yes", "no"]
        assert desk.faults() == []

    async def test_earlier_answers_of_the_task_stay(self, desk: Desk) -> None:
        asked = []

        def asks(state: Values) -> Values:
            for n in range(2):
                answer = interrupt({"n": n})
                asked.append((n, answer))
                if answer in fails:
                    fails.remove(answer)
                    raise ValueError("no")
            return {}

        graph = chain(asks)
        fails.append("a1")
        [question] = await desk.ask(graph, "t", {})
        for n in range(2):
            key = desk.decide(question, f"a{n}")
            await desk.work({"g": graph})
            [question] = desk.source.thread_questions("t")
        desk.order(key, Act.CLEAR)
        await desk.work({"g": graph})
        [question] = desk.source.thread_questions("t")
        assert (question.value, question.identity.key) == ({"n": 1}, key)
        desk.decide(question, "b1")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert asked == [(0, "a0"), (0, "a0"), (1, "a1"), (0, "a0"), (1, "b1")]
        assert desk.source.thread_questions("t") == []

    async def test_nothing_stored_needs_no_write(self, desk: Desk) -> None:
        [question] = await desk.ask(chain(pays), "t", {})
        key = desk.decide(question, "yes")
        desk.dead_worker("t")
        before = desk.dump()
        desk.order(key, Act.CLEAR)
        assert await desk.work({}) == {"applied": 1}
        assert desk.dump() == before
        assert desk.review(key).state is State.PENDING

    async def test_a_foreign_answer(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed_elsewhere(desk, graph)
        desk.order(key, Act.CLEAR)
        assert desk.review(key).state is State.UNCERTAIN
        assert await desk.work({}) == {"applied": 1}
        review = desk.review(key)
        assert (review.state, review.question.leftover_answer) == (State.PENDING, False)
        desk.decide(review.question, "no")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["theirs", "no"]

    async def test_only_that_one_of_several(self, desk: Desk) -> None:
        def one(state: Values) -> Values:
            answer = interrupt({"n": state["item"]})
            calls.append((state["item"], answer))
            if answer == "raise":
                raise ValueError("no")
            return {}

        graph = fan_out(one, 2)
        keys = {q.value["n"]: desk.decide(q, "raise") for q in await desk.ask(graph, "t", {})}
        await desk.work({"g": graph})
        desk.order(keys[0], Act.CLEAR)
        await desk.work({"g": graph})
        desk.decide(desk.review(keys[0]).question, "fine")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert [answer for n, answer in calls if n == 0][-1] == "fine"
        assert [answer for n, answer in calls if n == 1] == ["raise"]
        assert desk.review(keys[1]).state in (State.FAILED, State.UNCERTAIN)

    async def test_moved_on(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed(desk, graph)
        desk.order(key, Act.CLEAR)
        await desk.ask(graph, "t", {"log": ["new input"]})
        assert await desk.work({}) == {"stale": 1}
        assert desk.record(key).state is State.FAILED
        assert desk.faults() == []


class TestForeignRetry:
    @pytest.mark.parametrize("levels", [0, 2])
    async def test_runs_once_more(self, desk: Desk, levels: int) -> None:
        graph = nested(chain(pays), levels)
        key = await failed_elsewhere(desk, graph)
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert await desk.work({"g": graph}) == {}
        assert calls == ["theirs", "theirs"]
        assert desk.source.thread_questions("t") == []
        assert desk.faults() == []

    async def test_the_next_question_does_not_get_it(self, desk: Desk) -> None:
        def asks(state: Values) -> Values:
            pays(state)
            calls.append(("next", interrupt("next?")))
            return {}

        graph = chain(asks)
        key = await failed_elsewhere(desk, graph)
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        [question] = desk.source.thread_questions("t")
        assert question.value == "next?"
        assert calls == ["theirs", "theirs"]

    async def test_another_workers_graph(self, desk: Desk) -> None:
        graph, other = chain(pays), chain(tool)
        key = await failed_elsewhere(desk, graph)
        desk.order(key, Act.RETRY)
        assert await desk.work({"other": other}) == {"blocked": 1}
        assert "it hosts other" in desk.review(key).detail
        assert desk.review(key).acts == (Act.CLEAR,)
        assert await desk.work({"g": graph}) == {"applied": 1}

    async def test_clear_instead(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed_elsewhere(desk, graph)
        desk.order(key, Act.RETRY)
        desk.order(key, Act.CLEAR)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["theirs"]
        assert desk.review(key).state is State.PENDING

    async def test_fails_again(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed_elsewhere(desk, graph)
        fails.append("theirs")
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"failed": 1}
        assert "pays raised ValueError: no" in desk.review(key).detail
        assert desk.review(key).acts == (Act.RETRY, Act.CLEAR)


def taken(desk: Desk) -> Leases:
    """A worker that has the thread's order in its hands."""
    leases = Leases(desk.file, [])
    leases.register()
    assert order_leases.take_order(desk.file, leases.worker, "t") is not None
    return leases


class TestDeadWorkers:
    async def test_the_next_one_clears(self, desk: Desk) -> None:
        key = await failed(desk, chain(pays))
        desk.order(key, Act.CLEAR)
        taken(desk).retire()
        assert await desk.work({}) == {"applied": 1}
        assert desk.review(key).state is State.PENDING

    async def test_a_foreign_retry_is_uncertain(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed_elsewhere(desk, graph)
        desk.order(key, Act.RETRY)
        leases = taken(desk)
        assert "is at it" in desk.review(key).detail
        leases.retire()
        review = desk.review(key)
        assert (review.state, review.acts) == (State.UNCERTAIN, (Act.RETRY, Act.CLEAR))
        assert await desk.work({"g": graph}) == {}
        assert calls == ["theirs"]
        review = desk.review(key)
        assert (review.state, review.acts) == (State.UNCERTAIN, (Act.RETRY, Act.CLEAR))
        assert "the tool may have run" in review.detail
        desk.order(key, Act.RETRY)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["theirs", "theirs"]
        assert desk.faults() == []

    async def test_ordered_anew_without_a_worker(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed_elsewhere(desk, graph)
        desk.order(key, Act.RETRY)
        taken(desk).retire()
        desk.order(key, Act.CLEAR)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["theirs"]
        assert desk.faults() == []


class TestOneWorkerPerThread:
    async def test_no_order_while_an_attempt_runs(self, desk: Desk) -> None:
        go, started = asyncio.Event(), asyncio.Event()

        async def one(state: Values) -> Values:
            answer = interrupt({"n": state["item"]})
            calls.append((state["item"], answer))
            if state["item"] == 0 and answer == "raise":
                raise ValueError("no")
            started.set()
            await go.wait()
            return {}

        graph = fan_out(one, 2)
        questions = {q.value["n"]: q for q in await desk.ask(graph, "t", {})}
        key = desk.decide(questions[0], "raise")
        assert await desk.work({"g": graph}) == {"failed": 1}
        async with Worker({"g": graph}, desk.db), Worker({"g": graph}, desk.db):
            other = desk.decide(questions[1], "slow")
            await started.wait()
            desk.order(key, Act.CLEAR)
            await asyncio.sleep(RETRY_S + 0.5)
            assert desk.review(key).state is State.FAILED
            go.set()
            await asyncio.to_thread(desk.wait, other, State.APPLIED)
            [order] = desk.file.rows("SELECT id FROM orders")
            await asyncio.to_thread(desk.wait_for_order, order["id"], "applied")
        assert desk.review(key).state is State.PENDING
        assert calls == [(0, "raise"), (1, "slow")]

    async def test_no_attempt_while_an_order_is_carried_out(self, desk: Desk) -> None:
        def one(state: Values) -> Values:
            calls.append((state["item"], interrupt({"n": state["item"]})))
            if state["item"] == 0:
                raise ValueError("no")
            return {}

        graph = fan_out(one, 2)
        questions = {q.value["n"]: q for q in await desk.ask(graph, "t", {})}
        key = desk.decide(questions[0], "yes")
        await desk.work({"g": graph})
        desk.order(key, Act.CLEAR)
        leases = taken(desk)
        other = desk.decide(questions[1], "yes")
        assert await desk.work({"g": graph}) == {}
        assert desk.record(other).state is State.DECIDED
        leases.retire()
        assert await desk.work({"g": graph}) == {"applied": 2}

    async def test_two_people_order_at_once(self, desk: Desk) -> None:
        key = await failed(desk, chain(pays))
        shown = desk.review(key)
        orders.order(desk.ledger, shown, Act.CLEAR, Person("ann", {}))
        with pytest.raises(Conflict):
            orders.order(desk.ledger, shown, Act.CLEAR, Person("bob", {}))


class TestWithoutAWorker:
    async def test_clear(self, desk: Desk) -> None:
        graph = chain(pays)
        key = await failed(desk, graph)
        desk.order(key, Act.CLEAR)
        outcome = await carry_out(desk.db, None, key)
        assert outcome is not None
        assert outcome.kind == "applied"
        assert await carry_out(desk.db, None, key) is None
        desk.decide(desk.review(key).question, "no")
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert calls == ["yes", "no"]

    async def test_a_live_worker_goes_first(self, desk: Desk) -> None:
        key = await failed(desk, chain(pays))
        desk.order(key, Act.CLEAR)
        leases = taken(desk)
        assert await carry_out(desk.db, None, key) is None
        leases.retire()
        assert await carry_out(desk.db, None, key) is not None

    async def test_leaves_the_database_alone(self, desk: Desk) -> None:
        key = await failed(desk, chain(pays))
        desk.order(key, Act.CLEAR)
        await carry_out(desk.db, None, key)
        other = sqlite3.connect(desk.db, timeout=0)
        other.execute("BEGIN EXCLUSIVE")
        other.close()
