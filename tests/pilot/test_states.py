"""Every state on the screen, and the keys for decisions that did not go well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hitloop_tui.attach import acts
from hitloop_tui.attach.review import Act, State
from hitloop_tui.hold import Hold
from hitloop_tui.tui.glyphs import state_sign
from hitloop_tui.tui.keymap import KEYS, REPAIRS
from hitloop_tui.tui.state import STUCK
from tests.pilot import stages
from tests.pilot.console import NARROW, WIDE, Console, console
from tests.pilot.questions import gate

LONG = Hold(60, 60, 60)
SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x40"])


def put(db: Path, state: State) -> None:
    """Bring the Review of t-refund into a state."""
    if state is State.PENDING:
        return
    stages.decided(db, "t-refund", hold=LONG if state is State.HELD else Hold(0, 0, 0))
    if state is State.APPLYING:
        stages.attempted(db, "t-refund", None)
    elif state not in (State.HELD, State.DECIDED):
        stages.attempted(db, "t-refund", state.value)


STATES = {
    State.HELD: ("until a worker gets it", {"undo"}),
    State.DECIDED: ("no worker is alive", set()),
    State.APPLYING: ("The thread goes on with it right now", set()),
    State.FAILED: ("It was not carried out to the end", {"retry", "clear"}),
    State.UNCERTAIN: ("Did the tool run?", {"retry", "clear", "done"}),
    State.STALE: ("It was not applied, and will not be", {"dismiss"}),
}


@SIZES
@pytest.mark.parametrize("state", STATES)
async def test_a_state_is_told_in_list_and_card_with_what_can_be_done(
    db: Path, state: State, size: tuple[int, int]
) -> None:
    put(db, state)
    sentence, possible = STATES[state]
    sign = state_sign(state)
    async with console(db, size) as c:
        await c.go_to("t-refund")
        await c.until(lambda: c.main.header.alive is not None)
        await c.pilot.pause()
        words = " ".join(c.shown.split())
        assert words.count(f"{sign.glyph} {sign.word}") == 3  # in the list, card and title
        assert f"Review · {sign.glyph} {sign.word}" in words
        assert ("1 stuck" in words) is (state in STUCK)
        assert sentence in c.card
        assert {act for act in ("undo", "retry", "clear", "done", "dismiss") if can(c, act)} == (
            possible
        )
        assert not any(can(c, verb) for verb in ("approve", "reject", "edit", "respond"))
        if state in (State.FAILED, State.UNCERTAIN, State.STALE):
            assert stages.WHY in c.card


def can(c: Console, key: str) -> bool:
    return c.footer.get(key, False)


async def test_an_applied_decision_is_told_on_its_card_until_the_person_moves(db: Path) -> None:
    put(db, State.DECIDED)
    async with console(db) as c:
        await c.go_to("t-refund")
        stages.attempted(db, "t-refund", "applied", "")
        await c.until(lambda: c.main.inbox.state.total == 5)
        await c.until(lambda: "✓ applied by human:bob" in c.card)
        assert "The thread went on with it." in c.card
        await c.until(lambda: "Review · ✓ applied" in " ".join(c.shown.split()))
        await c.press("j")
        await c.until(lambda: c.main.card.review and c.main.card.review.thread_id != "t-refund")


def test_no_two_states_look_alike() -> None:
    signs = [state_sign(state) for state in State]
    assert len({sign.glyph for sign in signs}) == len({sign.word for sign in signs}) == len(signs)


def test_acts_and_keys_are_the_same_words() -> None:
    assert {"undo", *REPAIRS} == {act.value for act in Act}
    assert len({(key.scope, key.display) for key in KEYS}) == len(KEYS)


@pytest.mark.parametrize(
    ("state", "key", "act"),
    [
        (State.FAILED, "exclamation_mark", Act.RETRY),
        (State.FAILED, "C", Act.CLEAR),
        (State.UNCERTAIN, "exclamation_mark", Act.RETRY),
        (State.UNCERTAIN, "C", Act.CLEAR),
        (State.UNCERTAIN, "D", Act.DONE),
    ],
)
async def test_an_act_is_confirmed_knowing_tool_thread_and_consequence(
    db: Path, state: State, key: str, act: Act
) -> None:
    put(db, state)
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press(key)
        await c.until(lambda: c.dialog)
        assert "tool refund thread t-refund" in c.dialog
        assert ("a second time" in c.dialog) is (act is not Act.DONE)
        await c.press("enter", "y", "a", key)
        assert stages.orders(db) == []
        await c.press("Y")
        await c.until(lambda: stages.orders(db))
        assert stages.orders(db) == [(act, "human:ann")]
        await c.until(lambda: "refund  t-refund" in c.said)


async def test_leaving_the_question_orders_nothing(db: Path) -> None:
    put(db, State.FAILED)
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("exclamation_mark")
        await c.until(lambda: c.dialog)
        await c.press("escape")
        await c.until(lambda: c.app.screen is c.main)
        await c.pilot.pause()
        assert stages.orders(db) == []
        await c.press("C")
        await c.until(lambda: c.dialog)


async def test_a_retried_decision_waits_for_a_worker_again(db: Path) -> None:
    put(db, State.FAILED)
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("exclamation_mark")
        await c.until(lambda: c.dialog)
        await c.press("Y")
        await c.until(lambda: c.main.card.review and c.main.card.review.state is State.DECIDED)
        assert "human:ann ordered a retry" in c.card
        assert not can(c, "retry")


async def test_done_and_dismiss_take_the_row_away_and_go_on(db: Path) -> None:
    put(db, State.UNCERTAIN)
    stages.decided(db, "t-evil")
    stages.attempted(db, "t-evil", "stale")
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("D")
        await c.until(lambda: c.dialog)
        await c.press("Y")
        await c.until(lambda: c.main.inbox.state.total == 5)
        await c.read("t-evil")
        await c.press("x")
        await c.until(lambda: len(stages.orders(db)) == 2)
        assert stages.orders(db) == [(Act.DONE, "human:ann"), (Act.DISMISS, "human:ann")]
        await c.read("t-fixed")
        await c.go_to("t-evil")  # its question is still asked
        await c.until(lambda: c.main.card.review and c.main.card.review.state is State.PENDING)


async def test_what_is_not_possible_is_said_with_what_is(db: Path) -> None:
    put(db, State.FAILED)
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("D")
        assert "done is not possible: this Review is failed; possible: retry, clear" in c.said
        await c.go_to("t-mail")
        await c.press("exclamation_mark")
        assert "retry is not possible: this Review is pending" in c.said
        assert c.app.screen is c.main
        assert stages.orders(db) == []


async def test_an_act_needs_a_card_that_was_read(db: Path) -> None:
    put(db, State.STALE)
    async with console(db) as c:
        await c.go_to("t-mail")
        await c.press("j")
        await c.until(lambda: c.main.card.review and c.main.card.review.thread_id == "t-refund")
        await c.press("x")
        assert "just changed" in c.said
        assert stages.orders(db) == []


async def test_a_colleague_who_was_faster_is_told_of_in_the_dialog_and_after(db: Path) -> None:
    put(db, State.FAILED)
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("exclamation_mark")
        await c.until(lambda: c.dialog)
        with stages.session(db) as at:
            outcome = acts.act(at.inbox, stages.review_of(at, "t-refund"), Act.RETRY, stages.BOB)
            assert outcome.outcome == "recorded"
        await c.until(lambda: "it is decided by now: human:bob ordered a retry" in c.dialog)
        await c.press("Y")
        await c.until(lambda: "no retry" in c.said)
        assert stages.orders(db) == [(Act.RETRY, "human:bob")]


async def test_a_second_failure_is_not_retried_by_a_yes_to_the_first(db: Path) -> None:
    put(db, State.FAILED)
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("exclamation_mark")
        await c.until(lambda: c.dialog)
        with stages.session(db) as at:
            acts.act(at.inbox, stages.review_of(at, "t-refund"), Act.RETRY, stages.BOB)
        stages.attempted(db, "t-refund", "failed", "another error")
        await c.press("Y")
        await c.until(lambda: "look again" in c.said)
        assert stages.orders(db) == [(Act.RETRY, "human:bob")]


async def test_read_only_orders_nothing(db: Path) -> None:
    put(db, State.STALE)
    async with console(db, read_only=True) as c:
        await c.go_to("t-refund")
        await c.press("x")
        assert "read-only" in c.said
        assert stages.orders(db) == []


@pytest.mark.parametrize(
    ("policy", "told", "open_"),
    [
        ("leave", "it can still be answered", True),
        ("escalate", "it can still be answered", True),
        ("reject", "no person may answer it any more", False),
    ],
)
async def test_after_its_deadline_a_review_is_expired(
    db: Path, ask: Callable[[str, object], None], policy: str, told: str, open_: bool
) -> None:
    late = gate("late", {}, "high")
    late[0]["hitloop"] |= {
        "deadline": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "on_deadline": policy,
    }
    ask("t-late", late)
    async with console(db, rows=7) as c:
        await c.go_to("t-late")
        assert "expired" in c.shown
        assert told in c.card.replace("▎ ", "")  # of rows that are wrapped
        assert c.main.inbox.state.waiting == 6 + open_
        await c.press("a")
        if open_:
            await c.until(lambda: stages.standing(db) == [("t-late", "human:ann")])
        else:
            assert "this Review is expired" in c.said
            assert stages.standing(db) == []
