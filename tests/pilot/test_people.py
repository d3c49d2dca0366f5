"""Several people at once: who looks, who was first, who is still needed, and how long there is."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach import orders
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, State, Verdict
from tests.pilot import stages
from tests.pilot.console import NARROW, WIDE, console
from tests.pilot.questions import gate

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x40"])
Ask = Callable[[str, object], None]


def claimed(db: Path) -> dict[str, str]:
    """Who looks at which thread."""
    with stages.session(db) as at:
        at.inbox.load()
        return {r.thread_id: r.claimed_by for r in at.inbox.rows() if r.claimed_by is not None}


def claim(db: Path, thread: str, person: Person = stages.BOB, seconds: float = 60) -> None:
    with stages.session(db) as at:
        orders.claim(at.ledger, stages.review_of(at, thread).key, person, seconds)


async def test_w_says_that_i_am_looking_and_w_again_that_i_am_not(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        assert claimed(db) == {}
        await c.press("w")
        await c.until(lambda: claimed(db) == {"t-refund": "human:ann"})
        await c.until(lambda: "you are looking at it" in c.card)
        await c.press("w")
        await c.until(lambda: claimed(db) == {})
        await c.until(lambda: "looking at it" not in c.card)


async def test_a_claim_ends_when_the_card_shows_something_else(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("w")
        await c.until(lambda: claimed(db))
        await c.press("j")
        await c.until(lambda: not claimed(db))


async def test_a_claim_ends_with_the_console(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("w")
        await c.until(lambda: claimed(db))
    assert claimed(db) == {}


async def test_a_claim_is_renewed_while_its_review_is_on_the_card(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hitloop_tui.tui.claiming.RENEW_S", 0.2)
    monkeypatch.setattr("hitloop_tui.tui.desk.CLAIM_S", 0.6)
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("w")
        for _ in range(12):
            await c.pilot.pause(0.1)
            assert claimed(db) == {"t-refund": "human:ann"}


@SIZES
async def test_somebody_elses_look_is_shown_and_does_not_lock(
    db: Path, size: tuple[int, int]
) -> None:
    async with console(db, size) as c:
        await c.go_to("t-refund")
        claim(db, "t-refund")
        await c.until(lambda: "bob is looking at it" in c.card)
        await c.until(lambda: "◎ bob looking" in c.shown)
        await c.press("w")
        await c.until(lambda: "bob is looking at it; you can still decide" in c.said)
        await c.press("a")
        await c.until(lambda: stages.standing(db) == [("t-refund", "human:ann")])


async def test_a_claim_of_a_dead_console_goes_by_itself(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        claim(db, "t-refund", seconds=0.5)
        await c.until(lambda: "bob is looking at it" in c.card)
        await c.until(lambda: "bob is looking at it" not in c.card)


async def test_a_hostile_name_is_only_a_name(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        claim(db, "t-refund", Person("\x1b[2J[@click=app.quit]you", {}))
        await c.until(lambda: r"\x1b[2J[@click=app.quit]you is looking at it" in c.card)


async def test_an_open_dialog_tells_that_somebody_was_faster(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("r")
        await c.until(lambda: c.app.screen is not c.main)
        stages.decided(db, "t-refund")
        said = r"bob decided this at \d\d:\d\d:\d\d: a second answer is refused"
        await c.until(lambda: re.search(said, c.dialog))
        await c.press("n", "o", "enter")
        await c.until(lambda: "already decided by human:bob" in c.said)
        assert stages.standing(db) == [("t-refund", "human:bob")]


@pytest.mark.parametrize("key", ["r", "e", "c"])
async def test_every_dialog_tells_of_the_thread_that_moved_on(db: Path, key: str) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press(key)
        await c.until(lambda: c.app.screen is not c.main)
        delete(db, "t-refund")
        await c.until(lambda: "the thread moved on" in c.dialog)
        await c.press("escape")


def delete(db: Path, thread: str) -> None:
    connection = sqlite3.connect(db)
    for table in ("checkpoints", "writes"):
        connection.execute(f"DELETE FROM {table} WHERE thread_id=?", (thread,))
    connection.commit()
    connection.close()


async def test_what_a_colleague_decides_is_on_my_card_at_once(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        stages.decided(db, "t-refund")
        await c.until(lambda: "decided by human:bob at" in c.card)
        assert "bob" in c.card


def for_two(**more: Any) -> list[dict[str, Any]]:
    asked = gate("wire", {"amount": 9}, "high")
    asked[0]["hitloop"] |= {"quorum": 2, "approvals": [], **more}
    return asked


async def test_two_people_must_approve_and_one_of_them_twice_is_refused(db: Path, ask: Ask) -> None:
    ask("t-wire", for_two())
    async with console(db, rows=7) as c:
        await c.go_to("t-wire")
        assert "needs 2 people: nobody has approved yet" in c.card
        await c.press("a")
        await c.until(lambda: "1 more person must approve" in c.said)
        await c.read("t-mail")
        assert stages.standing(db) == []
        await c.go_to("t-wire")
        await c.until(lambda: "needs 2 people: you approved, 1 more" in c.card)
        for key in ("a", "e", "r"):
            await c.press(key)
            assert "you approved this already: it needs another person" in c.said
            assert c.app.screen is c.main
        assert not c.footer["approve"]
        stages.decided(db, "t-wire")
        await c.until(lambda: stages.standing(db) == [("t-wire", "human:bob")])
        await c.until(lambda: "decided by human:bob" in c.card)


async def test_the_first_of_two_is_named_to_the_second(db: Path, ask: Ask) -> None:
    ask("t-wire", for_two())
    async with console(db, rows=7) as c:
        await c.go_to("t-wire")
        stages.decided(db, "t-wire")
        await c.until(lambda: "needs 2 people: bob approved, 1 more" in c.card)
        await c.press("a")
        await c.until(lambda: len(stages.standing(db)) == 1)
        [record] = c.records()
        assert record.answer["approved_by"] == ["human:bob", "human:ann"]


async def test_any_reject_wins(db: Path, ask: Ask) -> None:
    ask("t-wire", for_two())
    stages.decided(db, "t-wire")
    async with console(db, rows=7) as c:
        await c.go_to("t-wire")
        await c.press("r")
        await c.until(lambda: c.app.screen is not c.main)
        await c.press("enter")
        await c.until(lambda: stages.standing(db) == [("t-wire", "human:ann")])
        assert c.records()[0].verdicts[0].kind is Kind.REJECT


async def test_who_approved_in_an_earlier_round_may_still_reject(db: Path, ask: Ask) -> None:
    ask("t-wire", for_two(approvals=["human:Ann"]))
    async with console(db, rows=7) as c:
        await c.go_to("t-wire")
        assert "needs 2 people: you approved, 1 more" in c.card
        await c.press("a")
        assert "you approved this already" in c.said
        await c.press("r")
        await c.until(lambda: c.app.screen is not c.main)
        await c.press("enter")
        await c.until(lambda: stages.standing(db) == [("t-wire", "human:ann")])


def until(seconds: float, on_deadline: str = "reject") -> list[dict[str, Any]]:
    asked = gate("publish", {"page": 1}, "medium")
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    asked[0]["hitloop"] |= {"deadline": at.isoformat(), "on_deadline": on_deadline}
    return asked


@SIZES
@pytest.mark.parametrize(
    ("seconds", "left", "in_row"), [(7260, "2h", False), (330, "5m", True), (50, r"50 s", True)]
)
async def test_the_time_left_is_on_the_card_and_soon_in_the_row(
    db: Path, ask: Ask, size: tuple[int, int], seconds: float, left: str, in_row: bool
) -> None:
    ask("t-due", until(seconds))
    async with console(db, size, rows=7) as c:
        await c.go_to("t-due")
        await c.pilot.pause()
        on_card = f"due in {left}, then it is rejected"
        if seconds < 60:
            await c.until(lambda: "due in 4" in c.card and c.shown.count("due 4") == 1)
        else:
            assert on_card in c.card
            assert (f"due {left}" in c.shown) is in_row


async def test_a_review_expires_before_the_eyes(db: Path, ask: Ask) -> None:
    ask("t-due", until(2.5, "leave"))
    async with console(db, rows=7) as c:
        await c.go_to("t-due")
        assert "due in" in c.card
        assert c.main.card.review is not None
        assert c.main.card.review.state is State.PENDING
        await c.until(lambda: c.main.card.review and c.main.card.review.state is State.EXPIRED)
        await c.until(lambda: "expired" in c.shown)
        assert c.main._ticking._timer is None


async def test_a_verdict_on_a_batch_by_a_colleague_is_told_in_the_dialog(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-batch")
        await c.press("r")
        await c.until(lambda: c.app.screen is not c.main)
        with stages.session(db) as at:
            decide(
                at.inbox, stages.review_of(at, "t-batch"), {1: Verdict(Kind.APPROVE)}, stages.BOB
            )
        await c.until(lambda: "Action 2 was approved meanwhile" in c.dialog)
        await c.press("enter")
        await c.until(lambda: len(stages.standing(db)) == 1)
