"""Large rows of real files: what is remembered about them never stands in for another one."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from hitloop_tui.attach import shapes
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.remembered import SLOW_S, Remembered
from hitloop_tui.attach.review import Kind, Review
from hitloop_tui.attach.session import Session
from tests.pilot.questions import ask, gate

MILLION = "plain words, " * 80_000


def reviews(db: Path) -> list[Review]:
    session = Session.open(db)
    try:
        return list(session.inbox.reviews())
    finally:
        session.close()


def test_a_row_says_how_much_of_a_large_argument_it_does_not_show(tmp_path):
    db = tmp_path / "a.db"
    ask(db, {"t": gate("send", {"report": MILLION}, "low")})
    session = Session.open(db)
    session.inbox.load()
    [row] = session.inbox.rows()
    session.close()
    whole = f'report="{MILLION}"'
    assert len(row.summary.text) < 1000
    assert whole.startswith(row.summary.text)
    assert row.summary.hidden == len(whole) - len(row.summary.text)


def test_a_changed_row_is_read_anew(tmp_path):
    db = tmp_path / "a.db"
    ask(db, {"t": gate("send", {"report": MILLION}, "low")})
    [before] = reviews(db)
    assert Kind.APPROVE in before.actions[0].allowed
    with sqlite3.connect(db) as connection:
        [(rowid, value)] = connection.execute("SELECT rowid, value FROM writes WHERE idx=-3")
        changed = value.replace(b"plain words", b"other words")
        assert len(changed) == len(value)
        connection.execute("UPDATE writes SET value=? WHERE rowid=?", (changed, rowid))
    connection.close()
    [after] = reviews(db)
    assert after.actions[0].tool_args["report"].startswith("other words, other")
    assert after.question.digest != before.question.digest
    assert Kind.APPROVE not in after.actions[0].allowed  # the gate's digest is of the old words
    assert any("does not match its digest" in warning for warning in after.reading.warnings)


@pytest.mark.parametrize("times", [1, 2])
def test_warnings_about_a_large_text_depend_on_what_is_masked(tmp_path, times):
    db = tmp_path / "a.db"
    ask(db, {"t": gate("send", {"password": f"{MILLION}\u202e"}, "low")})
    [review] = reviews(db)
    for _ in range(times):
        hidden = shapes.read(review.question, MASKS)
        shown = shapes.read(review.question, Masks(["nothing"]))
        assert hidden is not None
        assert shown is not None
        assert not any("U+202E" in warning for warning in hidden.warnings)
        assert any("U+202E" in warning for warning in shown.warnings)


def test_only_the_last_findings_are_kept():
    known: Remembered[int] = Remembered(2)
    found: list[int] = []

    def find(number: int) -> int:
        time.sleep(2 * SLOW_S)
        found.append(number)
        return number

    for number in (1, 2, 1, 2, 3, 3, 1):
        assert known.of(number, lambda number=number: find(number)) == number
    assert found == [1, 2, 3, 1]
