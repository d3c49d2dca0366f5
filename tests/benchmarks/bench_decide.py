"""From the key to the decision in the ledger."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from hitloop_tui.attach import shapes
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.paths import ledger_path
from tests.benchmarks import database
from tests.benchmarks.measure import Line, Options, Spread
from tests.benchmarks.pty_console import Pty, console

BEFORE = 0, 1_000
KEYS, CALLS = 60, 100
PERSON = Person("bench", {"login": "bench"})
ARMED_S = 0.6
"""Decision keys are ignored for half a second after the card changed."""
LOOK_S = 0.0003
GIVE_UP_S = 10.0


def run(options: Options) -> list[Line]:
    return [line for before in BEFORE for line in _with(options, before)]


def _with(options: Options, before: int) -> list[Line]:
    """The lines for a ledger that has so many decisions already."""
    with options.scratch() as folder:
        db = database.built(folder, before + KEYS + 20, all_pending=True)
        _decide_first(db, before)
        by_key = Spread(list(_keys(db, before)))
    with options.scratch() as folder:
        db = database.built(folder, before + CALLS, all_pending=True)
        _decide_first(db, before)
        calls, bare = _calls(db)
    name, floor = f"{before:,} decisions before", f"bare INSERT, FULL {bare}"
    return [
        Line(
            f"{name}: key `a` to row in the ledger (FULL)",
            str(by_key),
            floor,
            by_key.p50 / bare.p50,
            "p95 < 20 ms",
            by_key.p95 < 0.02,
        ),
        Line(f"{name}: decide() alone", str(calls), floor, calls.p50 / bare.p50),
    ]


def _decide_first(db: Path, count: int) -> None:
    """The last ones of the list: the cursor starts at the first."""
    session = Session.open(db)
    verdicts = {0: Verdict(Kind.APPROVE)}
    reviews = sorted(session.inbox.reviews(), key=lambda review: review.key)
    for review in reviews[len(reviews) - count :]:
        answer = shapes.answer(review, verdicts, PERSON)
        assert session.ledger.record(review, verdicts, answer, PERSON) is None
    session.close()


def _keys(db: Path, before: int) -> Iterator[float]:
    ledger = ledger_path(db)
    with console(db) as screen:
        screen.burst(ARMED_S)
        screen.press("g")
        for number in range(KEYS):
            screen.burst(ARMED_S, ARMED_S)
            yield _press(screen, ledger, before + number + 1)


def _press(screen: Pty, ledger: Path, count: int) -> float:
    pressed = screen.press("a")
    while not ledger.exists():
        time.sleep(LOOK_S)
    connection = sqlite3.connect(ledger, isolation_level=None)
    try:
        while time.monotonic() - pressed < GIVE_UP_S:
            if _decisions(connection) >= count:
                return time.monotonic() - pressed
            time.sleep(LOOK_S)
    finally:
        connection.close()
    raise AssertionError(f"decision {count} was not recorded")


def _decisions(connection: sqlite3.Connection) -> int:
    try:
        return int(connection.execute("SELECT count(*) FROM decisions").fetchone()[0])
    except sqlite3.OperationalError:  # the ledger is just being made
        return 0


def _calls(db: Path) -> tuple[Spread, Spread]:
    """`decide()` for each Review, and in between an INSERT into a table of its own."""
    session = Session.open(db)
    plain = sqlite3.connect(db.with_name("plain.db"), isolation_level=None)
    plain.execute("PRAGMA journal_mode=WAL")
    plain.execute("PRAGMA synchronous=FULL")
    plain.execute("CREATE TABLE decisions (seq INTEGER PRIMARY KEY, key TEXT UNIQUE, review TEXT)")
    calls, bare = [], []
    waiting = [r for r in session.inbox.reviews() if r.state is State.PENDING]
    for review in waiting:
        began = time.perf_counter()
        outcome = decide(session.inbox, review, {0: Verdict(Kind.APPROVE)}, PERSON)
        calls.append(time.perf_counter() - began)
        assert outcome.outcome == "recorded", outcome
        began = time.perf_counter()
        plain.execute("INSERT INTO decisions (key, review) VALUES (?,?)", (review.key, "x" * 1500))
        bare.append(time.perf_counter() - began)
    session.close()
    plain.close()
    return Spread(calls), Spread(bare)
