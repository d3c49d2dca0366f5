"""Held decisions: taken right after their hold, or taken back, never both."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from datetime import datetime

from hitloop_tui.attach import orders
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recorded import without_question
from hitloop_tui.attach.review import Act, Question, State
from hitloop_tui.attach.worker import Worker
from hitloop_tui.errors import Conflict
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import calls, chain, tool

ROUNDS, AT_ONCE = 200, 8
HOLD_S, JITTER_S = 0.08, 0.012


def attempts(desk: Desk) -> Counter[str]:
    rows = desk.file.rows("SELECT d.key FROM attempts a JOIN decisions d USING (seq)")
    return Counter(row["key"] for row in rows)


async def test_not_before_its_end(desk: Desk) -> None:
    graph = chain(tool)
    questions = [(await desk.ask(graph, f"t{n}", {}))[0] for n in range(5)]
    async with Worker({"g": graph}, desk.db):
        keys = []
        for number, question in enumerate(questions):
            keys.append(desk.decide(question, number, hold_s=0.2 + 0.05 * number))
            assert desk.record(keys[-1]).state is State.HELD
        for key in keys:
            await asyncio.to_thread(desk.wait, key, State.APPLIED)
    rows = desk.file.rows("SELECT held_until, started_at FROM decisions JOIN attempts USING (seq)")
    assert len(rows) == 5
    assert all(row["started_at"] >= row["held_until"] for row in rows)
    assert sorted(calls) == [0, 1, 2, 3, 4]


async def test_once_waits_for_holds(desk: Desk) -> None:
    graph = chain(tool)
    held, free = [(await desk.ask(graph, thread, {}))[0] for thread in ("held", "free")]
    key = desk.decide(held, "held", hold_s=0.7)
    desk.decide(free, "free")
    began = time.monotonic()
    assert await desk.work({"g": graph}) == {"applied": 2}
    assert time.monotonic() - began > 0.5
    assert calls == ["free", "held"]
    until = datetime.fromisoformat(desk.record(key).held_until or "")
    assert until > datetime.fromisoformat(desk.record(key).decided_at)


async def test_once_ends_when_the_last_one_is_taken_back(desk: Desk) -> None:
    graph = chain(tool)
    [question] = await desk.ask(graph, "t", {})
    key = desk.decide(question, "held", hold_s=60)
    async with Worker({"g": graph}, desk.db, once=True) as worker:
        await asyncio.sleep(0.2)
        desk.order(key, Act.UNDO)
        await asyncio.wait_for(worker.ended(), 5)
    assert calls == []


async def test_undo_at_the_last_moment(desk: Desk) -> None:
    """Either it is taken back and never tried, or it is tried and the undo is refused."""
    graph = chain(tool)
    questions = [(await desk.ask(graph, f"t{n}", {}))[0] for n in range(ROUNDS)]

    def decide_and_undo(number: int, question: Question) -> tuple[str, bool]:
        key = desk.decide(question, number, hold_s=HOLD_S)
        shown = without_question(desk.record(key))
        until = datetime.fromisoformat(desk.record(key).held_until or "").timestamp()
        time.sleep(max(0.0, until - time.time() + random.uniform(-JITTER_S, JITTER_S)))
        try:
            orders.undo(desk.ledger, shown, Person("ann", {}))
        except Conflict:
            return key, False
        return key, True

    undone: dict[str, bool] = {}
    async with Worker({"g": graph}, desk.db), Worker({"g": graph}, desk.db):
        for start in range(0, ROUNDS, AT_ONCE):
            some = list(enumerate(questions))[start : start + AT_ONCE]
            undone.update(
                await asyncio.gather(*(asyncio.to_thread(decide_and_undo, *one) for one in some))
            )
        for key in [key for key, done in undone.items() if not done]:
            await asyncio.to_thread(desk.wait, key, State.APPLIED)
    numbers = {question.identity.key: n for n, question in enumerate(questions)}
    tried, ran = attempts(desk), Counter(calls)
    assert set(Counter(undone.values())) == {True, False}, "the race was never close"
    assert [k for k, done in undone.items() if tried[k] != (not done)] == []
    assert [k for k, done in undone.items() if ran[numbers[k]] != (not done)] == []
    assert desk.faults() == []
