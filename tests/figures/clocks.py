"""Clocks that jump: nothing runs that was refused, taken back or too late, and nothing runs twice.

python -m tests.figures.clocks [--n REVIEWS] moves the clock of one process against the others'. All
clocks move that a program can read but the monotonic one.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from hitloop_tui import cli
from hitloop_tui.attach.acts import act
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.review import Act, State
from hitloop_tui.hold import Hold
from tests.figures.arena import Arena, Score, main, processes
from tests.figures.graphs import DUE_S
from tests.figures.kills import ANN, APPROVE, BOB, killed, working

HOURS = {"back an hour": -1.0, "on an hour": 1.0, "on ten years": 87_660.0}
HELD_S = 600.0
WORK_S = 120.0
DIES = "after the tool's effect"


def figure(folder: Path, n: int, score: Score) -> None:
    for what, hours in HOURS.items():
        score.say(f"a clock goes {what}")
        too_late(Arena(folder / f"late {what}", "due"), hours, n, score)
        held(Arena(folder / f"held {what}", "pay"), hours, n, score)
        dead(Arena(folder / f"dead {what}", "pay"), hours, n, score)


def too_late(arena: Arena, hours: float, n: int, score: Score) -> None:
    """Nobody answered in time, a worker said no, and then somebody says yes by another clock."""
    reviews = arena.ask(n)
    time.sleep(DUE_S)
    arena.work()
    with moved(hours):
        said = [decide(arena.session.inbox, review, APPROVE, ANN) for review in reviews]
    work(arena, hours)
    found, ran = arena.records(), arena.effects()
    score.add("  approved after it was rejected", [s for s in said if s.outcome == "recorded"], n)
    missing = [r.id for r in reviews if r.key not in found]
    score.add("  time out, and not rejected", missing, n)
    persons = [r.key for r in found.values() if not r.decided_by.startswith("system:")]
    score.add("  recorded as a person's no", persons, n)
    score.add("  tool ran", [t for t, times in ran.items() if times], n)


def held(arena: Arena, hours: float, n: int, score: Score) -> None:
    """Half are taken back while they are held; the others meet a worker of another time."""
    reviews = arena.ask(n)
    arena.session.inbox.hold = Hold(HELD_S, HELD_S, HELD_S)
    for review in reviews:
        assert decide(arena.session.inbox, review, APPROVE, ANN).outcome == "recorded"
    for review in reviews[::2]:
        assert _undo(arena, review.thread_id) == "recorded"
    work(arena, hours)
    ran = arena.effects()
    stay = reviews[1::2]
    back = [r.thread_id for r in stay if _undo(arena, r.thread_id) == "recorded"]
    arena.work()
    now = arena.effects()
    score.add("  taken back, and yet run", [r.id for r in reviews[::2] if now[r.thread_id]], n)
    score.add("  run, and then taken back", [t for t in back if now[t]], len(stay))
    score.add("  run twice", [t for t, times in now.items() if times > 1], n)
    score.say(f"  ({sum(ran.values())} of {len(stay)} held ones ran at once)")


def dead(arena: Arena, hours: float, n: int, score: Score) -> None:
    """A worker dies over each, and what it leaves is looked at by another clock."""
    reviews, hidden, spared = arena.ask(n), list[str](), list[str]()
    for review in reviews:
        assert decide(arena.session.inbox, review, APPROVE, ANN).outcome == "recorded"
        spared += killed(working, DIES, arena)
        with moved(hours):
            [now] = arena.look(review.thread_id)
        if now.state is not State.UNCERTAIN:
            hidden.append(f"{now.id}: {now.state.value}")
    score.add("  workers that were not killed", spared, n)
    score.add("  not shown as uncertain", hidden, n)
    work(arena, hours)
    score.add("  run twice", [t for t, times in arena.effects().items() if times > 1], n)
    for review in reviews:
        [now] = arena.look(review.thread_id)
        assert act(arena.session.inbox, now, Act.CLEAR, BOB).outcome == "recorded"
    work(arena, hours)
    asked = [r.id for r in reviews if [s.state for s in arena.look(r.thread_id)] != [State.PENDING]]
    score.add("  cleared, and not open again", asked, n)
    score.add("  faults in the ledger's chain", arena.faults(), n)


def _undo(arena: Arena, thread_id: str) -> str:
    for review in arena.look(thread_id):
        return act(arena.session.inbox, review, Act.UNDO, BOB).outcome
    return "gone"


def work(arena: Arena, hours: float) -> None:
    """`arena.work()` by another clock."""
    given = (arena.db, arena.env, arena.refs, hours)
    worker = processes.Process(target=_work, args=given)
    worker.start()
    worker.join(WORK_S)
    worker.kill()
    assert worker.exitcode in (0, 1, 3), worker.exitcode


def _work(db: Path, env: dict[str, str], refs: list[str], hours: float) -> None:
    os.environ.update(env)
    sys.stderr = db.with_name("worker.log").open("a")
    with moved(hours):
        cli.main(["worker", str(db), *refs, "--once"])


@contextlib.contextmanager
def moved(hours: float) -> Iterator[None]:
    """This process's wall clock, for everything that reads it by way of Python."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=hours)

    seconds, was = hours * 3600, (time.time, time.time_ns)
    modules = [m for name, m in sys.modules.items() if name.startswith("hitloop_tui")]
    readers = [vars(module) for module in modules if vars(module).get("datetime") is datetime]
    for names in readers:
        names["datetime"] = Moved
    time.time = lambda: was[0]() + seconds
    time.time_ns = lambda: was[1]() + int(seconds * 1e9)
    try:
        yield
    finally:
        time.time, time.time_ns = was
        for names in readers:
            names["datetime"] = datetime


if __name__ == "__main__":
    main(__doc__ or "", 40, figure)
