"""One contract for all approval stores."""

from __future__ import annotations

import asyncio
import random
import stat
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.core.digest import canonical_json
from hitloop_tui.errors import AlreadyAsked, BadInput
from hitloop_tui.persistence import Outcome, PendingApprovalRecord, SQLiteApprovalStore
from hitloop_tui.persistence.base import question_key
from hitloop_tui.persistence.codec import (
    LONGEST_KEY,
    TAG,
    column,
    decode,
    encode,
    escaped,
    unescaped,
)
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


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(categories=["L", "N", "P", "Z", "C", "S"]))
    | st.binary()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.frozensets(st.integers() | st.text())
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.just(TAG), inner)
        | st.dictionaries(st.integers() | st.tuples(st.text()), inner)
    ),
    max_leaves=15,
)


@given(VALUES)
def test_values_come_back_as_they_were(value):
    back = decode(encode(value))
    assert back == value
    assert canonical_json(back) == canonical_json(value)  # tells 1 from 1.0 and from True


@given(st.lists(st.text(st.characters(codec=None), max_size=3000), min_size=2, unique=True))
def test_columns_keep_different_texts_apart(texts):
    assert len(set(map(column, texts))) == len(texts)
    for text in texts:
        assert unescaped(escaped(text)) == text
        assert column(text).isascii()
        assert column(text).isprintable()
        assert len(column(text)) <= LONGEST_KEY


def test_no_text_is_the_column_of_a_longer_one():
    long = "x" * (LONGEST_KEY + 1)
    assert column(column(long)) != column(long)


def test_what_cannot_be_kept_is_said():
    with pytest.raises(BadInput, match="type object"):
        encode({"x": object()})
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="nested"):
        encode(deep)


def test_special_values():
    assert repr(decode(encode([float("nan"), -0.0, float("-inf")]))) == "[nan, -0.0, -inf]"
    values = [date(2026, 1, 2), timedelta(days=-1, microseconds=5), Decimal("1.0"), UUID(int=7)]
    assert decode(encode(values)) == values


def test_records_as_dicts_of_upstream():
    """Keys of 0.5.1 alone are enough."""
    old = {
        "callback_id": "c",
        "run_id": "r",
        "thread_id": "t",
        "action_id": "a",
        "tool_name": "x",
        "tool_args": {},
        "risk_class": "extreme",
        "policy_name": "p",
        "policy_reason": "why",
        "created_at": "2026-01-02T03:04:05",
        "expires_at": None,
        "later": "unknown keys are left out",
    }
    record = PendingApprovalRecord.from_dict(old)
    assert record.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert PendingApprovalRecord.from_dict(record.to_dict()) == record
    assert record.to_request().action.risk_class == "high"
