"""Compare-and-set among threads: one winner, whom everybody else hears of.

`test_processes` has the same among processes.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from hitloop_tui.persistence import InMemoryApprovalStore, Outcome
from tests.stores.desk import a_record, open_store, yes

MANY = {"memory": 3000}
"""Requests that are raced for; servers take longer, and need fewer."""


@pytest.fixture(autouse=True)
def restless() -> Iterator[None]:
    """Threads take turns after every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def check(told: list[dict[str, list[object]]]) -> None:
    for request in told[0]:
        answers = [each[request] for each in told]
        assert [outcome for outcome, _, _ in answers].count(Outcome.RECORDED) == 1
        assert len({first for _, first, _ in answers}) == 1
        assert [taken for _, _, taken in answers].count(True) == 1


async def test_threads(place, store):
    """Each thread has an event loop; those of the memory store share one object."""
    name, where = place
    requests = [f"r{number}" for number in range(MANY.get(name, 40))]
    for request in requests:
        await store.put(a_record(callback_id=request))
    told: list[dict[str, list[object]]] = []
    begin = threading.Barrier(6)

    async def race(me: str) -> None:
        mine = store if name == "memory" else await open_store(name, where)
        begin.wait(30)
        said = {}
        for request in requests:
            resolution = await mine.resolve(request, yes(me))
            taken = await mine.deliver(request, me)
            said[request] = [resolution.outcome, resolution.first.decision.decided_by, taken]
        if mine is not store:
            await mine.close()
        told.append(said)

    threads = [threading.Thread(target=asyncio.run, args=(race(f"t{n}"),)) for n in range(6)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join, 60) for thread in threads))
    assert len(told) == 6
    check(told)


@pytest.mark.parametrize("place", ["memory", "sqlite"], indirect=True)
def test_one_store_for_many_threads(place, clock):
    """A web server's thread answers what an agent's thread asked, on the same object."""
    store = asyncio.run(open_store(*place, clock))
    failures: list[BaseException] = []

    async def busy(me: int) -> None:
        for number in range(150):
            name = f"{me}-{number}"
            await store.put(a_record(callback_id=name))
            await store.list_pending(limit=5)
            assert (await store.resolve(name, yes())).accepted
            await store.cleanup_expired()
            assert await store.delete(name)

    def run(me: int) -> None:
        try:
            asyncio.run(busy(me))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert asyncio.run(store.list_pending()) == []
    asyncio.run(store.close())


async def test_memory_forgets_what_is_over_and_nothing_else(clock, monkeypatch):
    monkeypatch.setattr("hitloop_tui.persistence.memory.SWEEP_AFTER", 3)
    store = InMemoryApprovalStore(clock=clock)
    soon = clock() + timedelta(minutes=1)
    for name in ("taken", "untaken", "expired", "waiting"):
        expires = None if name == "waiting" else soon
        await store.put(a_record(clock, callback_id=name, expires_at=expires))
    for name in ("taken", "untaken"):
        await store.resolve(name, yes())
    await store.deliver("taken", "me")
    clock.advance(7200)
    for number in range(4):
        await store.put(a_record(clock, callback_id=str(number)))
    names = ("taken", "untaken", "expired", "waiting")
    assert {name: (await store.status(name)).outcome for name in names} == {
        "taken": Outcome.UNKNOWN,
        "untaken": Outcome.ALREADY_DECIDED,
        "expired": Outcome.UNKNOWN,
        "waiting": Outcome.PENDING,
    }
