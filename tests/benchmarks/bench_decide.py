"""From the key to the decision in the ledger."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.paths import ledger_path
from tests.benchmarks import database
from tests.benchmarks.measure import Line, Options, Spread
from tests.benchmarks.pty_console import Pty, console

KEYS, CALLS = 60, 200
ARMED_S = 0.6
"""Decision keys are ignored for half a second after the card changed."""
LOOK_S = 0.0003
GIVE_UP_S = 10.0


def run(options: Options) -> list[Line]:
    with options.scratch() as folder:
        by_key = Spread(list(_keys(database.built(folder, KEYS + 20, all_pending=True))))
    with options.scratch() as folder:
        calls, bare = _calls(database.built(folder, CALLS, all_pending=True))
    return [
        Line(
            "key `a` to row in the ledger (FULL)",
            str(by_key),
            f"bare INSERT, FULL {bare}",
            by_key.p50 / bare.p50,
            "p95 < 20 ms",
            by_key.p95 < 0.02,
        ),
        Line("decide() alone", str(calls), f"bare INSERT, FULL {bare}", calls.p50 / bare.p50),
    ]


def _keys(db: Path) -> Iterator[float]:
    ledger = ledger_path(db)
    with console(db) as screen:
        for number in range(KEYS):
            screen.burst(ARMED_S, ARMED_S)
            yield _press(screen, ledger, number + 1)


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
    person = Person("bench", {"login": "bench"})
    plain = sqlite3.connect(db.with_name("plain.db"), isolation_level=None)
    plain.execute("PRAGMA journal_mode=WAL")
    plain.execute("PRAGMA synchronous=FULL")
    plain.execute("CREATE TABLE decisions (seq INTEGER PRIMARY KEY, key TEXT UNIQUE, review TEXT)")
    calls, bare = [], []
    for review in list(session.inbox.reviews()):
        began = time.perf_counter()
        outcome = decide(session.inbox, review, {0: Verdict(Kind.APPROVE)}, person)
        calls.append(time.perf_counter() - began)
        assert outcome.outcome == "recorded", outcome
        began = time.perf_counter()
        plain.execute("INSERT INTO decisions (key, review) VALUES (?,?)", (review.key, "x" * 1500))
        bare.append(time.perf_counter() - began)
    session.close()
    plain.close()
    return Spread(calls), Spread(bare)
