"""Keys on the screen, decisions in the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.tui.arming import GRACE_S
from tests.pilot.console import NARROW, WIDE, console
from tests.pilot.questions import batch, gate

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x40"])


@SIZES
async def test_a_approves_what_is_on_the_card(db: Path, size: tuple[int, int]) -> None:
    async with console(db, size) as c:
        await c.go_to("t-refund")
        await c.press("a")
        await c.until(c.records)
        [record] = c.records()
        assert record.identity.thread_id == "t-refund"
        assert record.verdicts == (Verdict(Kind.APPROVE),)
        assert record.decided_by == "human:ann"
        await c.until(lambda: "approved refund" in c.said)
        await c.until(lambda: c.main.inbox.state.waiting == 5)


@SIZES
async def test_r_rejects_with_the_reason_given(db: Path, size: tuple[int, int]) -> None:
    async with console(db, size) as c:
        await c.go_to("t-refund")
        await c.press("r")
        await c.until(lambda: c.app.screen is not c.main)
        await c.press(*["t", "o", "o", "space", "m", "u", "c", "h", "enter"])
        await c.until(c.records)
        [record] = c.records()
        assert record.verdicts == (Verdict(Kind.REJECT, reason="too much"),)


async def test_leaving_the_reason_dialog_decides_nothing(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("r")
        await c.until(lambda: c.app.screen is not c.main)
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.main)
        await c.press("a")
        await c.until(c.records)
        assert [v.kind for r in c.records() for v in r.verdicts] == [Kind.APPROVE]


async def test_e_keeps_the_types_of_edited_arguments(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-mail")
        await c.press("e")
        await c.until(lambda: c.app.screen is not c.main)
        editor = c.app.screen.query_one("Editor")
        editor.text = json.dumps({"to": "me@example.org", "copies": 3})  # type: ignore[attr-defined]
        await c.press("ctrl+s")
        await c.pilot.pause(GRACE_S + 0.1)
        await c.press("enter")
        await c.until(c.records)
        [record] = c.records()
        assert record.verdicts == (Verdict(Kind.EDIT, args={"to": "me@example.org", "copies": 3}),)


async def test_c_answers_a_free_question(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-words")
        await c.press("c")
        await c.until(lambda: c.app.screen is not c.main)
        await c.press("r", "e", "d", "ctrl+s")
        await c.until(c.records)
        assert c.records()[0].answer == "red"


async def test_the_cursor_goes_on_to_the_next_pending_review(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-mail")
        await c.press("a")
        await c.read("t-refund")
        await c.press("i")
        await c.until(lambda: len(c.records()) == 2)
        assert [r.identity.thread_id for r in c.records()] == ["t-mail", "t-refund"]


async def test_keys_typed_ahead_decide_nothing(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-mail")
        c.clock.now += 10
        await c.press("j", "a", "a")
        await c.until(lambda: c.main.card.review and c.main.card.review.thread_id == "t-refund")
        await c.press("a")
        assert c.records() == []
        assert "just changed" in c.said
        c.clock.now += 0.49
        await c.press("a")
        assert c.records() == []
        c.clock.now += 0.5
        await c.press("a")
        await c.until(c.records)
        assert c.records()[0].identity.thread_id == "t-refund"


async def test_a_key_that_lay_in_a_queue_while_the_card_was_drawn_decides_nothing(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-mail")
        c.clock.now += 1
        early = events.Key("a", "a")
        early.time -= 5
        early.set_sender(c.app)
        await c.app.on_event(early)
        await c.until(lambda: "just changed" in c.said)
        assert c.records() == []


async def test_a_card_that_is_not_on_the_screen_is_not_decided(db: Path) -> None:
    async with console(db, NARROW) as c:
        await c.go_to("t-mail")
        await c.press("T", "1", "j")
        await c.until(lambda: c.main.card.review and c.main.card.review.thread_id == "t-refund")
        c.clock.now += 10
        await c.press("a")
        assert "not on the screen: 2 shows it" in c.said
        assert c.records() == []
        await c.press("2")
        await c.read("t-refund")
        await c.press("a")
        await c.until(c.records)


async def test_a_look_aside_and_back_starts_the_grace_anew(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-mail")
        await c.press("j", "k", "a")
        assert c.records() == []
        await c.read("t-mail")
        await c.press("a")
        await c.until(c.records)


async def test_two_enters_in_a_dialog_are_one(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-mail")
        await c.press("r")
        await c.until(lambda: c.app.screen is not c.main)
        for _ in range(3):
            c.app.simulate_key("enter")
        await c.until(c.records)
        await c.until(lambda: c.app.screen is c.main)


@pytest.mark.parametrize("key", ["r", "e", "c", "question_mark"])
async def test_a_dialog_can_be_left_while_it_comes(db: Path, key: str) -> None:
    async with console(db) as c:
        await c.go_to("t-mail")
        for ticks in range(40):
            c.app.simulate_key(key)
            for _ in range(ticks % 20):
                await asyncio.sleep(0)
            c.app.simulate_key("escape")
            await asyncio.sleep(0.002)
        await c.pilot.pause()
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.main)
        assert c.records() == []


async def test_a_verdict_that_is_not_allowed_is_refused_with_the_reason(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-fixed")
        await c.press("e")
        assert "does not allow edit" in c.said
        assert {"edit", "ignore"} <= c.main.footer.off
        assert "approve" not in c.main.footer.off
        assert c.app.screen is c.main
        assert c.records() == []


async def test_a_batch_is_decided_action_by_action_and_is_one_answer(db: Path) -> None:
    async with console(db, WIDE) as c:
        await c.go_to("t-batch")
        await c.press("right_square_bracket")
        assert c.main.card.action_index == 1
        c.clock.now += 1
        await c.press("a")
        await c.until(lambda: c.main.card.action_index == 0)
        assert c.records() == []
        await c.press("a")
        assert c.records() == []
        assert "just changed" in c.said
        c.clock.now += 1
        await c.press("a")
        await c.until(c.records)
        [record] = c.records()
        assert record.answer == {"decisions": [{"type": "approve"}, {"type": "approve"}]}


async def test_a_decided_action_of_a_batch_says_so(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-batch")
        await c.press("a")
        await c.until(lambda: c.main.card.action_index == 1)
        await c.press("left_square_bracket")
        c.clock.now += 1
        await c.until(lambda: c.main.card.review and c.main.card.review.verdicts)
        await c.press("a")
        assert "Action 1 is approved already" in c.said


async def test_marked_reviews_are_decided_after_a_look_at_the_list(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-mail")
        await c.press("space", "space")
        assert c.main.header.marked == 2
        await c.press("A")
        await c.until(lambda: c.app.screen is not c.main)
        await c.press("enter", "a", "y")
        assert c.app.screen is not c.main
        await c.press("Y")
        await c.until(lambda: len(c.records()) == 2)
        assert {r.identity.thread_id for r in c.records()} == {"t-mail", "t-refund"}
        await c.until(lambda: c.main.header.marked == 0)


async def test_marked_reviews_that_do_not_allow_it_stay(db: Path) -> None:
    async with console(db) as c:
        await c.press("asterisk")
        await c.press("A")
        await c.until(lambda: c.app.screen is not c.main)
        await c.press("Y")
        await c.until(lambda: len(c.records()) == 4)
        # One takes only words; one is of high risk, and nobody has read it.
        assert not {"t-words", "t-fixed"} & {r.identity.thread_id for r in c.records()}


async def test_a_question_answered_by_somebody_else_says_by_whom(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        review = c.main.card.review
        assert review is not None
        session = Session.open(db)
        bob = Person("bob", {})
        assert decide(session.inbox, review, {0: Verdict(Kind.REJECT)}, bob).outcome == "recorded"
        session.close()
        await c.press("a")
        await c.until(lambda: "human:bob" in c.said)
        assert [r.decided_by for r in c.records()] == ["human:bob"]


async def test_read_only_decides_nothing(db: Path) -> None:
    async with console(db, read_only=True) as c:
        await c.go_to("t-refund")
        await c.press("a")
        assert "read-only" in c.said
        await c.press("asterisk", "A")
        await c.until(lambda: "read-only" in c.said)
        assert c.records() == []


async def test_a_decision_on_a_hostile_review_is_recorded(db: Path) -> None:
    async with console(db, WIDE) as c:
        await c.go_to("t-evil")
        frame = c.app.export_screenshot()
        assert "\x1b" not in frame
        assert "\x9b" not in frame
        await c.press("a")
        await c.until(c.records)
        assert c.records()[0].identity.thread_id == "t-evil"


async def test_new_questions_appear_and_leave_the_card_alone(
    db: Path, ask: Callable[[str, object], None]
) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        ask("t-new", gate("late", {}, "high"))
        await c.until(lambda: c.main.inbox.state.total == 7)
        row = c.main.inbox.state.row
        assert row is not None
        assert row.thread_id == "t-refund"
        await c.press("a")
        await c.until(c.records)
        assert c.records()[0].identity.thread_id == "t-refund"


async def test_a_batch_with_a_verdict_nobody_allows_is_no_trap(
    db: Path, ask: Callable[[str, object], None]
) -> None:
    ask("t-none", batch([]))
    async with console(db, rows=7) as c:
        await c.go_to("t-none")
        for key in "areci":
            await c.press(key)
            assert "does not allow" in c.said
        assert c.records() == []


@pytest.mark.parametrize("hide", ["T", "z"])
async def test_a_card_that_was_put_away_takes_no_verdict(db: Path, hide: str) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press(hide)
        await c.until(lambda: not c.main.card.in_view)
        await c.press("a")
        await c.until(lambda: "not on the screen" in c.said)
        assert c.records() == []
