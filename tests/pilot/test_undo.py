"""Taking back: what `u` reaches, until when, and what counts down meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.review import State
from hitloop_tui.hold import Hold
from tests.pilot import stages
from tests.pilot.console import NARROW, WIDE, console

LONG = Hold(60, 60, 60)
SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "140x40"])


@SIZES
async def test_u_takes_back_the_decision_that_was_just_made(
    db: Path, size: tuple[int, int]
) -> None:
    async with console(db, size, hold=LONG) as c:
        await c.go_to("t-mail")
        assert not c.footer["undo"]
        await c.press("a")
        await c.read("t-refund")
        assert stages.standing(db) == [("t-mail", "human:ann")]
        assert c.footer["undo"]
        await c.press("u")
        await c.until(lambda: not stages.standing(db))
        await c.until(lambda: "taken back send_email  t-mail" in c.said)
        await c.read("t-mail")
        await c.until(lambda: c.main.card.review and c.main.card.review.state is State.PENDING)
        await c.press("r")
        await c.until(lambda: c.app.screen is not c.main)
        await c.press("n", "o", "enter")
        await c.until(lambda: stages.standing(db))
        [record] = c.records()
        assert record.verdicts[0].reason == "no"


async def test_undo_goes_back_step_by_step(db: Path) -> None:
    async with console(db, hold=LONG) as c:
        await c.go_to("t-mail")
        await c.press("a")
        await c.read("t-refund")
        await c.press("a")
        await c.read("t-evil")
        await c.press("u")
        await c.until(lambda: stages.standing(db) == [("t-mail", "human:ann")])
        await c.go_to("t-fixed")
        await c.press("u")
        await c.until(lambda: not stages.standing(db))
        await c.until(lambda: not c.footer["undo"])
        await c.press("u")
        assert "nothing can be taken back" in c.said


async def test_on_a_held_review_u_takes_back_that_one(db: Path) -> None:
    async with console(db, hold=LONG) as c:
        await c.go_to("t-mail")
        await c.press("a")
        await c.read("t-refund")
        await c.press("a")
        await c.until(lambda: len(stages.standing(db)) == 2)
        await c.go_to("t-mail")
        await c.until(lambda: c.main.row and c.main.row.state is State.HELD)
        await c.press("u")
        await c.until(lambda: stages.standing(db) == [("t-refund", "human:ann")])


async def test_a_colleagues_held_decision_can_be_taken_back_on_its_card(db: Path) -> None:
    stages.decided(db, "t-refund", hold=LONG)
    async with console(db, hold=LONG) as c:
        await c.go_to("t-refund")
        assert "held by human:bob" in c.card
        await c.press("u")
        await c.until(lambda: not stages.standing(db))


async def test_marked_reviews_are_taken_back_together(db: Path) -> None:
    async with console(db, hold=LONG) as c:
        await c.go_to("t-mail")
        await c.press("space", "space", "A")
        await c.until(lambda: c.dialog)
        await c.press("Y")
        await c.until(lambda: len(stages.standing(db)) == 2)
        await c.until(lambda: "2 decisions" in c.shown)
        await c.press("u")
        await c.until(lambda: not stages.standing(db))
        await c.until(lambda: "2 decisions taken back" in c.said)


async def test_after_the_hold_it_is_too_late(db: Path) -> None:
    async with console(db, hold=Hold(0.3, 0.3, 0.3)) as c:
        await c.go_to("t-mail")
        await c.press("a")
        await c.until(lambda: c.footer["undo"])
        await c.until(lambda: not c.footer["undo"])
        await c.press("u")
        assert "nothing can be taken back" in c.said
        assert stages.standing(db) == [("t-mail", "human:ann")]
        await c.go_to("t-mail")
        await c.until(lambda: c.main.card.review and c.main.card.review.state is State.DECIDED)


async def test_a_decision_that_a_worker_has_is_not_taken_back(db: Path) -> None:
    async with console(db, hold=LONG) as c:
        await c.go_to("t-mail")
        await c.press("a")
        await c.read("t-refund")
        with stages.session(db) as at:
            at.ledger.file.rows("PRAGMA user_version")
            leases = Leases(at.ledger.file, ["g"])
            leases.register()
            with at.ledger.file.transaction() as connection:
                connection.execute(
                    "INSERT INTO attempts (seq, thread_id, worker, started_at)"
                    " SELECT seq, thread_id, ?, decided_at FROM decisions",
                    (leases.worker,),
                )
            await c.press("u")
            await c.until(lambda: "no undo" in c.said)
        assert stages.standing(db) == [("t-mail", "human:ann")]


@SIZES
async def test_the_time_left_is_in_the_status_line_and_on_the_card(
    db: Path, size: tuple[int, int]
) -> None:
    def seconds(where: str) -> list[int]:
        return [int(found) for found in re.findall(r"(\d+) s(?:  refund| until a worker)", where)]

    async with console(db, size, hold=Hold(40, 40, 40)) as c:
        await c.go_to("t-refund")
        await c.press("a")
        await c.until(lambda: re.search(r"\d\d s  refund  u undo", c.shown))
        await c.go_to("t-refund")
        await c.until(lambda: seconds(c.card))
        status, card = seconds(c.shown)[0], seconds(c.card)[0]
        await c.until(lambda: seconds(c.shown)[0] < status and seconds(c.card)[0] < card)


async def test_no_clock_runs_while_nothing_is_held(db: Path) -> None:
    async with console(db, hold=Hold(0.2, 0.2, 0.2)) as c:
        assert c.main._ticking._timer is None
        await c.go_to("t-refund")
        await c.press("a")
        await c.until(lambda: c.main._ticking._timer is not None)
        await c.until(lambda: c.main._ticking._timer is None)


async def test_without_a_hold_nothing_counts_down(db: Path) -> None:
    async with console(db) as c:
        await c.go_to("t-refund")
        await c.press("a")
        await c.until(lambda: stages.standing(db))
        await c.pilot.pause()
        assert not c.main.status.hold.display
        assert not c.footer["undo"]
