"""The line drops in the middle of an approval: nothing lost, nothing falsely said, nothing locked.

python -m tests.figures.hangups [--rounds N] hangs up on so many consoles, each in a real pty.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hitloop_tui.attach import journal
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.session import Session
from hitloop_tui.paths import ledger_path
from hitloop_tui.tui.arming import LOOK
from tests.e2e.terminal import Terminal, terminal
from tests.pilot import questions, stages

CONSOLE = [sys.executable, "-m", "hitloop_tui"]
ARMED_S = 0.6
"""A little more than decision keys are ignored for after the card changes."""
SPLIT_S = 0.06
"""A hang-up comes so soon after the last key, at random: before, while and after it is recorded."""
GONE_S = 20.0
SAID = r"(?:approved|rejected) refund"
"""What the console says when a decision is on record."""


@dataclass
class Count:
    """Rounds in which something went wrong, with what it was."""

    rounds: int = 0
    recorded: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, list[str]] = field(
        default_factory=lambda: {"lost": [], 'false "recorded"': [], "locked": [], "left": []}
    )

    def note(self, what: str, why: str) -> None:
        self.wrong[what].append(why)

    def __str__(self) -> str:
        return ", ".join(f"{what} {len(each)}/{self.rounds}" for what, each in self.wrong.items())


def before_a_reason(console: Terminal, db: Path) -> bool:
    """Half a reason is typed."""
    press_armed(console, "r", "Why?")
    console.press("not this")
    return False


def after_a_key(console: Terminal, db: Path) -> bool:
    console.press("a")
    return _soon(console)


def after_a_reason(console: Terminal, db: Path) -> bool:
    press_armed(console, "r", "Why?")
    console.press("no\r")
    return _soon(console)


def while_it_waits_for_a_lock(console: Terminal, db: Path) -> bool:
    """Somebody else writes to the ledger, and is done at about the time of the hang-up."""
    with locked(ledger_path(db)):
        press_armed(console, "a", "not recorded yet")
        if random.random() < 0.5:
            console.hang_up()
            time.sleep(random.uniform(0, SPLIT_S))
            return False
    return _soon(console)


def while_it_is_held(console: Terminal, db: Path) -> bool:
    press_armed(console, "a", SAID)
    return True


MOMENTS: tuple[Callable[[Terminal, Path], bool], ...] = (
    before_a_reason,
    after_a_key,
    after_a_reason,
    while_it_waits_for_a_lock,
    while_it_is_held,
)
"""Each drives a console to the moment, and tells whether the decision was said to be recorded."""


def press_armed(console: Terminal, key: str, leads_to: str) -> str:
    """Press a decision key, again where the card came late; the screen with what it leads to."""
    while True:
        console.press(key)
        screen = console.wait_for(f"{leads_to}|{LOOK}")
        if re.search(leads_to, screen):
            return screen
        forget(console)
        time.sleep(ARMED_S)


def forget(console: Terminal) -> None:
    """Let the status line speak of something else."""
    console.press("y")
    console.wait_for("characters copied")


def _soon(console: Terminal) -> bool:
    time.sleep(SPLIT_S * random.random() ** 2)
    return console.shows(SAID)


def hang_ups(folder: Path, rounds: int) -> Count:
    """One console after the other, on a database of its own each."""
    fresh, count = asked_in(folder / "fresh.db"), Count()
    for number in range(rounds):
        hang_up(copied(fresh, str(number)), MOMENTS[number % len(MOMENTS)], count)
    return count


def asked_in(db: Path) -> Path:
    """One question that waits, and a ledger with a decision on another one."""
    questions.ask(db, {"t-old": questions.gate("old", {}, "low")})
    stages.decided(db, "t-old")
    questions.ask(db, {"t-refund": questions.gate("refund", {"amount": 12.5}, "high")})
    return db


def copied(db: Path, name: str) -> Path:
    """A copy with its ledger, in a folder of its own beside it."""
    folder = db.with_name(name)
    folder.mkdir()
    shutil.copy(ledger_path(db), folder)
    return Path(shutil.copy(db, folder))


def hang_up(db: Path, moment: Callable[[Terminal, Path], bool], count: Count) -> None:
    name, there = moment.__name__, False
    environment = {"HITLOOP_HOLD": "5", "XDG_STATE_HOME": str(db.parent)}
    with terminal([*CONSOLE, str(db), "--as", "ann"], 80, 24, environment) as console:
        console.wait_for("refund")
        console.wait_for("due$|it is due")
        time.sleep(ARMED_S)
        said = moment(console, db)
        if said:
            there = decision(db) is not None
        console.hang_up()
        if not console.wait_dead(GONE_S):
            count.note("left", f"{db}: still running after {name}")
    judge(db, name, count, said=said, there=there)


def judge(db: Path, moment: str, count: Count, *, said: bool, there: bool) -> None:
    """What a round has left behind. `there`: the row was seen when it was said to be recorded."""
    count.rounds += 1
    record = decision(db)
    count.moments[moment] += record is not None
    if said and not there:
        count.note('false "recorded"', f"{db}: said {moment}, and there was no row")
    if there and record is None:
        count.note("lost", f"{db}: the row was there {moment}, and is gone")
    if broken := faults(db):
        count.note("lost", f"{db}: {broken}")
    for path in (db, ledger_path(db)):
        if why := held_by_somebody(path):
            count.note("locked", f"{path}: {why}")


def decision(db: Path) -> Record | None:
    """What is on record, whole, about the question on the card."""
    with opened(db) as session:
        found = [r for r in session.ledger.records() if r.identity.thread_id == "t-refund"]
        return found[0] if found else None


def faults(db: Path) -> list[str]:
    """Half a decision would break the ledger's chain."""
    with opened(db) as session, session.ledger.file.transaction() as connection:
        told = [fault.text for fault in journal.verify(connection)]
        checked = connection.execute("PRAGMA integrity_check").fetchone()[0]
        return told + ([] if checked == "ok" else [checked])


def held_by_somebody(path: Path) -> str:
    """Why a writer would have to wait, or a checkpoint cannot end; empty when all is free."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return "a transaction is open" if busy else ""
    except sqlite3.OperationalError as error:
        return str(error)
    finally:
        connection.close()


@contextlib.contextmanager
def opened(db: Path) -> Iterator[Session]:
    session = Session.open(db)
    try:
        yield session
    finally:
        session.close()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, metavar="N")
    rounds, began = parser.parse_args().rounds, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        count = hang_ups(Path(folder), rounds)
    print(count)
    for why in [line for each in count.wrong.values() for line in each]:
        print(f"  {why}")
    for moment, recorded in count.moments.items():
        print(f"  {moment.replace('_', ' ')}: {recorded} on record")
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(any(count.wrong.values()) or count.rounds == 0)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    main()
