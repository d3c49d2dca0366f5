"""The console is killed, hung up on, or runs out of disk, on a real terminal with real files."""

from __future__ import annotations

import re
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.ledger_clock import seconds_until
from hitloop_tui.paths import ledger_path
from tests.e2e.terminal import Terminal, terminal
from tests.figures.hangups import (
    ARMED_S,
    asked_in,
    decision,
    faults,
    forget,
    held_by_somebody,
    locked,
    press_armed,
)
from tests.pilot import questions, stages

CONSOLE = [sys.executable, "-m", "hitloop_tui"]
MANY = 30
FULL = "nothing was recorded|unknown: ledger"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return asked_in(tmp_path / "agents.db")


@pytest.fixture
def console(db: Path, tmp_path: Path) -> Iterator[Terminal]:
    """With the question on the card, long enough to be decided."""
    environment = {"HITLOOP_HOLD": "5", "XDG_STATE_HOME": str(tmp_path / "state")}
    with terminal([*CONSOLE, str(db), "--as", "ann"], 80, 24, environment) as running:
        running.wait_for("it is due")
        time.sleep(ARMED_S)
        yield running


def open_reason(console: Terminal, db: Path) -> bool:
    press_armed(console, "r", "Why?")
    return False


def open_editor(console: Terminal, db: Path) -> bool:
    press_armed(console, "e", "compare old and new")
    return False


def decide(console: Terminal, db: Path) -> bool:
    press_armed(console, "a", "approved refund")
    return True


MOMENTS = [open_reason, open_editor, decide]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back_whatever_is_open(
    console: Terminal, db: Path, number: signal.Signals, moment: Callable[[Terminal, Path], bool]
) -> None:
    said = moment(console, db)
    console.child.kill(number)
    console.wait_end()
    assert b"\x1b[?1049l" in console.raw.rpartition(b"\x1b[?1049h")[2]
    assert b"\x1b[?25h" in console.raw.rpartition(b"\x1b[?25l")[2]
    assert console.cooked
    nothing_is_left_behind(db, said)


@pytest.mark.parametrize("moment", MOMENTS)
def test_sigkill_leaves_all_or_nothing(
    console: Terminal, db: Path, moment: Callable[[Terminal, Path], bool]
) -> None:
    said = moment(console, db)
    console.child.kill(signal.SIGKILL)
    assert console.wait_end() == -signal.SIGKILL
    nothing_is_left_behind(db, said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_killed_while_it_waits_for_a_lock_it_records_nothing_later(
    console: Terminal, db: Path, number: signal.Signals
) -> None:
    with locked(ledger_path(db)):
        press_armed(console, "a", "not recorded yet")
        console.child.kill(number)
        console.wait_end()
    assert "approved" not in console.text
    nothing_is_left_behind(db, recorded=False)


def test_leaving_takes_no_half_minute_while_a_file_is_locked(console: Terminal, db: Path) -> None:
    with locked(ledger_path(db)):
        press_armed(console, "a", "not recorded yet")
        console.press("q")
        assert console.wait_end(timeout=10) == 0
    nothing_is_left_behind(db, recorded=False)


def test_a_terminal_that_takes_no_more_output_does_not_keep_it_alive(
    console: Terminal, db: Path
) -> None:
    """A frozen link: nobody reads, until every buffer on the way is full."""
    for _ in range(50):
        console.press("jk?\x1b" * 8)
    console.child.kill(signal.SIGTERM)
    assert console.wait_dead(12)
    nothing_is_left_behind(db, recorded=False)


@pytest.mark.parametrize(
    ("number", "left"), [(signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGKILL, 1)]
)
def test_who_leaves_no_longer_looks(
    console: Terminal, db: Path, number: signal.Signals, left: int
) -> None:
    """Where nothing could be said any more, the claim ends by itself."""
    console.press("w")
    console.wait_for("you are looking at it")
    console.child.kill(number)
    console.wait_end()
    with stages.session(db) as at:
        claims = at.ledger.file.rows("SELECT until FROM claims")
        assert len(claims) == left
        assert all(seconds_until(claim["until"]) < 61 for claim in claims)


def nothing_is_left_behind(db: Path, recorded: bool) -> None:
    assert (decision(db) is not None) is recorded
    assert faults(db) == []
    assert [held_by_somebody(path) for path in (db, ledger_path(db))] == ["", ""]


def approved(db: Path) -> list[Record]:
    with stages.session(db) as at:
        return [r for r in at.ledger.records() if r.decided_by == "human:ann"]


def test_a_full_disk_is_said_and_no_decision_is_made_up(tmp_path: Path) -> None:
    db = tmp_path / "agents.db"
    many = {f"t{n}": questions.gate(f"tool_{n}", {"text": "x" * 400}, "low") for n in range(MANY)}
    questions.ask(db, many)
    environment = {"HITLOOP_HOLD": "0", "XDG_STATE_HOME": str(tmp_path / "state")}
    environment |= {"COLUMNS": "80", "LINES": "24"}  # of another terminal
    with terminal([*CONSOLE, str(db), "--as", "ann"], 100, 30, environment) as console:
        console.wait_for(rf"{MANY} waiting")
        console.wait_for("it is due")
        assert approve(console, MANY - 1)
        wal = ledger_path(db).with_name(ledger_path(db).name + "-wal")
        limit(console, wal.stat().st_size + 20_000)
        done = 1
        while approve(console, MANY - 1 - done):
            done += 1
            assert len(approved(db)) == done
            assert done < MANY, "the disk was never full"
        assert len(approved(db)) == done
        limit(console, resource.RLIM_INFINITY)
        assert approve(console, MANY - 1 - done)
        assert len(approved(db)) == done + 1
        console.press("q")
        assert console.wait_end() == 0
    assert faults(db) == []
    checked = sqlite3.connect(db)
    assert checked.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    checked.close()


def approve(console: Terminal, number: int) -> bool:
    """Press the key once the card was there for a while; False when nothing could be recorded."""
    console.wait_for(f"(Review|waiting)(.|\\n)*tool_{number}")
    forget(console)
    time.sleep(ARMED_S)
    return re.search(FULL, press_armed(console, "a", f"approved tool_{number} |{FULL}")) is None


def limit(console: Terminal, size: int) -> None:
    """No file of the console may grow beyond so many bytes."""
    _, hard = resource.prlimit(console.child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(console.child.pid, resource.RLIMIT_FSIZE, (size, hard))


def test_a_countdown_writes_only_its_own_cells(console: Terminal, db: Path) -> None:
    decide(console, db)
    console.wait_for(r"\d s  refund  u undo")
    time.sleep(1)
    console.lines  # noqa: B018  all that has been written up to now
    before = len(console.raw)
    console.wait_for(r"◔ 2 s  refund  u undo")
    console.wait_for(r"◔ 1 s  refund  u undo")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.raw[before:].decode())
    assert set(text) <= set("◔ 0123456789s\r\n"), text
