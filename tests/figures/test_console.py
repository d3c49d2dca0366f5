"""The console's figures with small numbers, and that they would notice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hitloop_tui.paths import ledger_path
from hitloop_tui.tui.screens.main import MainScreen
from tests.figures import hangups, interleavings, terminals
from tests.figures.arena import Score
from tests.pilot import questions, stages


def test_hang_ups(tmp_path: Path) -> None:
    count = hangups.hang_ups(tmp_path, len(hangups.MOMENTS))
    assert not any(count.wrong.values()), str(count)
    assert count.moments["before_a_reason"] == 0
    assert count.moments["while_it_is_held"] == 1


def test_a_hang_up_that_leaves_something_behind_is_counted(tmp_path: Path) -> None:
    db, count = tmp_path / "agents.db", hangups.Count()
    questions.ask(db, {"t-refund": questions.gate("refund", {}, "low")})
    hangups.judge(db, "said", count, said=True, there=False)
    hangups.judge(db, "gone", count, said=True, there=True)
    stages.decided(db, "t-refund")
    with hangups.locked(db):
        hangups.judge(db, "locked", count, said=True, there=True)
    reader = sqlite3.connect(ledger_path(db), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM decisions").fetchall()
    with sqlite3.connect(ledger_path(db)) as writer:
        writer.execute("UPDATE workers SET pid=1")
        writer.execute("DELETE FROM claims")
        writer.execute("INSERT INTO claims VALUES ('k', 'human:ann', 'now', 'then')")
    hangups.judge(db, "read", count, said=True, there=True)
    reader.close()
    writer.close()
    assert str(count) == 'lost 1/4, false "recorded" 1/4, locked 2/4, left 0/4'


def test_interleavings(tmp_path: Path) -> None:
    count = interleavings.interleavings(tmp_path, 25, seed=7)
    assert count.wrong == []
    assert count.recorded > 0


def test_a_decision_on_another_row_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the grace period, keys meet cards that nobody has seen."""
    monkeypatch.setattr(MainScreen, "armed", True)
    counts = (interleavings.interleavings(tmp_path / str(n), 15, seed=n) for n in range(10))
    assert any(count.wrong for count in counts)


def test_resizes(tmp_path: Path) -> None:
    score = Score()
    terminals.resizes(hangups.asked_in(tmp_path / "fresh.db"), 20, score)
    assert not score.failed, score.lines


@pytest.mark.parametrize(
    "place", [terminals.in_the_inbox, terminals.in_the_filter, terminals.in_the_reason]
)
def test_pastes(tmp_path: Path, place: terminals.Place) -> None:
    score = Score()
    terminals.pastes(hangups.asked_in(tmp_path / "fresh.db"), place, 1, 50_000, score)
    assert not score.failed, score.lines


def test_a_slow_line(tmp_path: Path) -> None:
    score = Score()
    terminals.slow_lines(hangups.asked_in(tmp_path / "fresh.db"), 1, score)
    assert not score.failed, score.lines


def test_a_paste_that_decides_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that marks no pastes types them."""
    score = Score()
    monkeypatch.setattr(terminals, "_paste", lambda running, size: running.press("a"))
    fresh = hangups.asked_in(tmp_path / "fresh.db")
    terminals.pastes(fresh, terminals.in_the_inbox, 1, 1, score)
    assert score.lines[1] == "  decisions: 1/1"
    assert score.failed
