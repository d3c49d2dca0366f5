"""The contract of approval stores for many requests: pages, expiry, hostile names, large values."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from hitloop_tui.persistence import Outcome
from hitloop_tui.persistence.base import question_key
from tests.stores.desk import a_record, yes


async def test_cleaning_up_takes_the_expired_and_only_them(store, clock):
    soon = clock() + timedelta(seconds=1)
    decided = a_record(clock, expires_at=soon)
    kept = a_record(clock, expires_at=soon + timedelta(days=1))
    forever = a_record(clock)
    expired = [a_record(clock, expires_at=soon) for _ in range(450)]
    for record in (decided, kept, forever, *expired):
        await store.put(record)
    await store.resolve(decided.callback_id, yes())
    clock.advance(2)
    assert await store.cleanup_expired() == 450
    assert await store.cleanup_expired() == 0
    assert {r.callback_id for r in await store.list_pending()} == {
        kept.callback_id,
        forever.callback_id,
    }
    assert (await store.status(decided.callback_id)).outcome is Outcome.ALREADY_DECIDED
    assert (await store.status(expired[0].callback_id)).outcome is Outcome.UNKNOWN


async def test_pages_are_complete_and_in_order(store, clock):
    """Upstream's Redis list is in random order and cut before it is sorted (7.1, 11)."""
    records = []
    for number in range(30):
        clock.advance(number % 3)  # several share a moment
        expires = clock() + timedelta(seconds=1) if number % 5 == 0 else None
        record = a_record(clock, thread_id=f"t{number % 2}", expires_at=expires)
        await store.put(record)
        records.append(record)
    clock.advance(100)
    for thread in (None, "t0", "t1"):
        expected = sorted(
            (r for r in records if r.expires_at is None and thread in (None, r.thread_id)),
            key=lambda r: r.cursor,
        )
        paged, after = [], None
        while page := await store.list_pending(thread, limit=4, after=after):
            assert len(page) <= 4
            paged += page
            after = page[-1].cursor
        assert paged == expected
    assert await store.list_pending(limit=0) == []
    assert await store.list_pending("nobody's") == []


async def test_a_page_does_not_move_when_others_go(store, clock):
    records = [a_record(clock, callback_id=f"{n:02}") for n in range(9)]
    for record in records:
        await store.put(record)
    page = await store.list_pending(limit=3)
    await store.delete("02")
    await store.resolve("04", yes())
    await store.put(a_record(clock, callback_id="00a"))
    rest = await store.list_pending(after=page[-1].cursor)
    assert [r.callback_id for r in rest] == ["03", "05", "06", "07", "08"]


LONG = random.Random(7).randbytes(4000).hex()  # nothing that an index could compress
HOSTILE = [
    "a",
    "a\x00",
    "\\u0000a",
    "a\\u0000",
    "\ud800",
    "é",
    "\U0001f600\u202e",
    "",
    "two\nlines\r",
    "a:b:{x}:*",
    "' OR 1=1 --",
    "%s ? $1",
    LONG,
    f"{LONG}1",
    "é" * 5000,
]


async def test_hostile_names_stay_apart(store):
    for name in HOSTILE:
        await store.put(a_record(callback_id=name, thread_id=name, run_id=name, action_id=name))
    for name in HOSTILE:
        found = await store.get(name)
        assert (found.callback_id, found.thread_id) == (name, name)
        assert [r.callback_id for r in await store.list_pending(thread_id=name)] == [name]
        assert (await store.find(question_key(found)))[0] == found
    paged, after = [], None
    while page := await store.list_pending(limit=4, after=after):
        paged += [record.callback_id for record in page]
        after = page[-1].cursor
    assert sorted(paged) == sorted(HOSTILE)
    for name in HOSTILE:
        first = await store.resolve(name, yes(name), delivery_id=name or None)
        assert first.outcome is Outcome.RECORDED
        again = await store.resolve(name, yes(name), delivery_id=name or None)
        assert again.outcome is (Outcome.REPEATED if name else Outcome.ALREADY_DECIDED)
        assert again.first.decision.decided_by == name
        assert await store.deliver(name, f"to {name}") is True
        assert (await store.decisions([name]))[name].delivered_to == f"to {name}"
        assert await store.deliver(name, "late", over=f"to {name}") is True
        assert await store.delete(name)
    assert await store.list_pending() == []


async def test_values_of_several_megabytes(store):
    big = {"body": "x" * 3_000_000, "nul": "\x00" * 1000, "rows": [{"n": n} for n in range(20_000)]}
    records = [a_record(callback_id=name, tool_args=big) for name in "ab"]
    for record in records:
        await store.put(record)
    assert await store.list_pending() == records
    decision = yes(edited_args=big, reason="because " * 200_000)
    assert (await store.resolve("a", decision)).outcome is Outcome.RECORDED
    assert (await store.decisions(["a"]))["a"].decision == decision


async def test_pages_while_others_ask_and_are_answered(place, store):
    """Whoever waited all the time is listed exactly once."""
    waiting = [f"{number:03}" for number in range(60)]
    for name in waiting:
        await store.put(a_record(callback_id=name))
    done = asyncio.Event()

    async def stir() -> None:
        number = 0
        while not done.is_set():
            number += 1
            await store.put(a_record(callback_id=f"new-{number}"))
            await store.resolve(f"new-{number - 3}", yes())
            await asyncio.sleep(0)

    stirring = asyncio.create_task(stir())
    listed: list[str] = []
    after = None
    while len(page := await store.list_pending(limit=7, after=after)) == 7:
        listed += [record.callback_id for record in page]
        after = page[-1].cursor
        await asyncio.sleep(0.001)
        if len(listed) > 500:
            break
    done.set()
    await stirring
    listed += [record.callback_id for record in page]
    assert [name for name in listed if name in waiting] == waiting
    assert len(listed) == len(set(listed))
