"""One contract for all approval stores: a request, and the decision about it."""

from __future__ import annotations

import asyncio
import random
import stat
from datetime import UTC, datetime, timedelta

import pytest

from hitloop_tui.errors import AlreadyAsked
from hitloop_tui.persistence import Outcome, PendingApprovalRecord, SQLiteApprovalStore
from hitloop_tui.persistence.base import question_key
from tests.stores.desk import NAMES, a_record, no, open_store, yes


async def test_nothing_of_the_request_is_lost(store, clock):
    record = a_record(
        clock,
        rationale="because \x00 \ud800 \u202e",
        side_effects=["email_sent"],
        context_refs=["doc:7"],
        summary_context="the whole story",
        tool_name="t" * 5000,
        tool_args={"z": 1, "a": [1.0, 1, True, None], "\u0000": "\u0000", "big": 2**70, 7: "x"},
        metadata={"when": datetime(2026, 1, 2, tzinfo=UTC)},
        expires_at=clock() + timedelta(seconds=60),
    )
    await store.put(record)
    found = await store.get(record.callback_id)
    assert found == record
    assert found.digest() == record.digest()
    assert list(found.tool_args) == list(record.tool_args)
    assert await store.list_pending() == [record]


async def test_what_comes_out_is_not_what_lies_inside(store):
    record = a_record()
    await store.put(record)
    record.tool_args["to"] = "mallory@example.com"
    first = await store.get(record.callback_id)
    first.tool_args["to"] = "eve@example.com"
    assert (await store.get(record.callback_id)).tool_args == {"to": "ann@example.com"}


async def test_putting_it_again_changes_nothing_and_another_one_is_refused(store):
    """Upstream swaps the arguments under an id that is asked already (security.md 7.1, 10)."""
    record = a_record()
    await store.put(record)
    await store.put(record)
    other = PendingApprovalRecord(**vars(record) | {"tool_args": {"to": "mallory@example.com"}})
    with pytest.raises(AlreadyAsked):
        await store.put(other)
    assert await store.get(record.callback_id) == record


async def test_the_first_decision_wins_and_the_second_hears_of_it(store):
    record = a_record()
    await store.put(record)
    first = await store.resolve(record.callback_id, yes(reason="fine"))
    second = await store.resolve(record.callback_id, no())
    assert first.outcome is Outcome.RECORDED
    assert second.outcome is Outcome.ALREADY_DECIDED
    assert second.first.decision == yes(reason="fine")
    assert second.first.decided_at == store.clock()
    assert await store.get(record.callback_id) is None
    assert await store.list_pending() == []


async def test_the_same_delivery_again_is_the_same_decision(store):
    record = a_record()
    await store.put(record)
    for outcome in (Outcome.RECORDED, Outcome.REPEATED):
        resolution = await store.resolve(record.callback_id, yes(), delivery_id="msg-1")
        assert (resolution.outcome, resolution.accepted) == (outcome, True)
    other = await store.resolve(record.callback_id, no(), delivery_id="msg-1")
    assert other.outcome is Outcome.ALREADY_DECIDED


async def test_unknown_requests_are_not_decided(store):
    """Upstream approves an action called "unknown" (security.md 7.1, 7)."""
    assert (await store.resolve("nobody", yes())).outcome is Outcome.UNKNOWN
    assert (await store.status("nobody")).outcome is Outcome.UNKNOWN
    assert await store.get("nobody") is None
    assert await store.decisions(["nobody"]) == {}
    assert await store.deliver("nobody", "me") is False
    assert await store.delete("nobody") is False


async def test_of_many_resolvers_one_wins(place, store):
    """Upstream has no compare-and-set in any store (security.md 7.1, 11)."""
    name, where = place
    others = [] if name == "memory" else [await open_store(name, where) for _ in range(3)]
    for turn in range(20):
        record = a_record(callback_id=f"turn-{turn}")
        await store.put(record)
        tries = [
            random.choice([store, *others]).resolve(record.callback_id, yes(f"human:{n}"))
            for n in range(16)
        ]
        done = await asyncio.gather(*tries)
        assert [r.outcome for r in done].count(Outcome.RECORDED) == 1
        assert len({r.first.decision.decided_by for r in done}) == 1
    await asyncio.gather(*(other.close() for other in others))


async def test_of_many_takers_one_takes(store):
    record = a_record()
    await store.put(record)
    assert await store.deliver(record.callback_id, "early") is False
    await store.resolve(record.callback_id, yes())
    taken = await asyncio.gather(*(store.deliver(record.callback_id, f"w{n}") for n in range(8)))
    assert taken.count(True) == 1
    winner = f"w{taken.index(True)}"
    assert await store.deliver(record.callback_id, "late", over="nobody") is False
    assert await store.deliver(record.callback_id, "late", over=winner) is True
    decisions = await store.decisions([record.callback_id])
    assert decisions[record.callback_id].delivered_to == "late"


async def test_a_decision_waits_for_whoever_asks_next(store, clock):
    record = a_record(clock)
    question = question_key(record)
    assert await store.find(question) is None
    await store.put(record)
    assert await store.find(question) == (record, None)
    await store.resolve(record.callback_id, yes())
    found, stored = await store.find(question)
    assert (found, stored.decision) == (record, yes())
    await store.deliver(record.callback_id, "me")
    assert await store.find(question) is None
    assert await store.find(question, "somebody else") is None
    assert (await store.find(question, "me"))[1].delivered_to == "me"


async def test_another_question_is_not_answered(store):
    record = a_record()
    await store.put(record)
    await store.resolve(record.callback_id, yes())
    for changed in (
        {"run_id": "run-2"},
        {"thread_id": "thread-2"},
        {"action_id": "action-2"},
        {"approvals": ["human:ann"]},
    ):
        assert await store.find(question_key(a_record(**changed))) is None


async def test_an_expired_request_is_gone_but_not_mistaken(store, clock):
    record = a_record(clock, expires_at=clock() + timedelta(seconds=10))
    await store.put(record)
    clock.advance(9.999999)
    assert await store.get(record.callback_id) == record
    clock.advance(0.000001)
    assert await store.get(record.callback_id) is None
    assert await store.list_pending() == []
    assert await store.find(question_key(record)) is None
    assert (await store.status(record.callback_id)).outcome is Outcome.EXPIRED
    assert (await store.resolve(record.callback_id, yes())).outcome is Outcome.EXPIRED
    timeout = await store.resolve(record.callback_id, no("system:timeout"), late=True)
    assert timeout.outcome is Outcome.RECORDED
    assert (await store.resolve(record.callback_id, yes())).first.decision == no("system:timeout")


async def test_an_edited_decision_is_stored_whole(store):
    record = a_record()
    await store.put(record)
    decision = yes(tags=["vip"], edited_args={"to": "b", "n": (1, 2)}, latency_ms=12.5, digest="d")
    await store.resolve(record.callback_id, decision)
    assert (await store.decisions([record.callback_id, "x"]))[record.callback_id].decision == (
        decision
    )


@pytest.mark.parametrize("place", NAMES[1:], indirect=True)
async def test_it_survives_a_restart(place, store):
    waiting, decided = a_record(callback_id="w"), a_record(callback_id="d")
    await store.put(waiting)
    await store.put(decided)
    await store.resolve("d", yes())
    async with await open_store(*place) as after:
        assert await after.list_pending() == [waiting]
        assert (await after.resolve("d", no())).first.decision == yes()
        assert (await after.find(question_key(decided)))[0].callback_id in ("w", "d")


async def test_setting_up_at_once(place):
    stores = [await open_store(*place) for _ in range(2)]
    await asyncio.gather(*(s.setup() for s in stores * 4))
    await asyncio.gather(*(s.close() for s in stores))


async def test_only_the_owner_reads_the_file(tmp_path):
    async with SQLiteApprovalStore(tmp_path / "a.db") as opened:
        await opened.put(a_record())
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
