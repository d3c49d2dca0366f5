"""From the recorded decision to the resumed thread, with a live worker in its own process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.events import events_since
from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Review, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.hold import Hold
from tests.benchmarks import graphs
from tests.benchmarks.measure import Line, Options, Spread, cpu_s

WARM_UP, SOON, LATER, HELD = 3, 60, 20, 20
SOON_S, LATER_S = 0.4, 4.0
"""Pauses before a decision: a watcher looks less often the longer nothing has happened."""
HOLD_S = 0.5
IDLE_S = 20.0
WAIT_S = 30.0
LOOK_S = 0.05

Resumed = tuple[float, float]
"""From recorded, or from the end of the hold, to started, and to applied."""


def run(options: Options) -> list[Line]:
    with options.scratch() as folder:
        db, own = folder / "agents.db", folder / "own.db"
        count = WARM_UP + SOON + LATER + HELD
        for path in (db, own):
            graphs.ask(path, *(f"bench-{number}" for number in range(count)))
        with _worker(db) as (session, pid):
            reviews = list(session.inbox.reviews())
            held = [_resume(session, reviews.pop(), SOON_S, HOLD_S)[0] for _ in range(HELD)]
            bare = asyncio.run(_bare(own, WARM_UP + SOON))[WARM_UP:]
            found = [_resume(session, review, pause) for review, pause in _plan(reviews)]
            time.sleep(5)
            before = cpu_s(pid)
            time.sleep(IDLE_S)
            share = (cpu_s(pid) - before) / IDLE_S
    return [*_lines(found[WARM_UP:], Spread(bare), share), _held(Spread(held))]


def _held(late: Spread) -> Line:
    return Line("end of a hold to started", str(late), target="p95 < 50 ms", met=late.p95 < 0.05)


def _plan(reviews: list[Review]) -> Iterator[tuple[Review, float]]:
    pauses = [SOON_S] * (WARM_UP + SOON) + [LATER_S] * LATER
    yield from zip(reviews, pauses, strict=True)


def _lines(found: list[Resumed], bare: Spread, share: float) -> list[Line]:
    lines = []
    for name, part in (("soon after another", found[:SOON]), ("after a quiet time", found[SOON:])):
        started, applied = (Spread(times) for times in zip(*part, strict=True))
        met = started.p95 < 0.06
        lines += [
            Line(f"recorded to started, {name}", str(started), target="p95 < 60 ms", met=met),
            Line(
                f"recorded to applied, {name}",
                str(applied),
                f"bare ainvoke {bare}",
                applied.p50 / bare.p50,
            ),
        ]
    return [*lines, Line("worker at rest: CPU", f"{share:.3%}")]


@contextlib.contextmanager
def _worker(db: Path) -> Iterator[tuple[Session, int]]:
    command = [sys.executable, "-m", "hitloop_tui", "worker", str(db)]
    graph = f"bench={Path(graphs.__file__)}:graph"
    log = db.with_name("worker.log")
    with log.open("wb") as said:
        process = subprocess.Popen([*command, "--graph", graph], stdout=said, stderr=said)
    session = Session.open(db)
    try:
        until = time.monotonic() + WAIT_S
        while not live_workers(session.ledger.file):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield session, process.pid
    finally:
        session.close()
        os.kill(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()


def _resume(session: Session, review: Review, pause: float, hold_s: float = 0.0) -> Resumed:
    time.sleep(pause * random.uniform(0.9, 1.1))
    session.inbox.hold = Hold(hold_s, hold_s, hold_s)
    person = Person("bench", {"login": "bench"})
    outcome = decide(session.inbox, review, {0: Verdict(Kind.APPROVE)}, person)
    recorded = time.time()
    assert outcome.outcome == "recorded", outcome
    if hold_s:
        held_until = session.ledger.of_keys([review.key])[review.key].held_until
        recorded = datetime.fromisoformat(held_until or "").timestamp()
    file, until = session.ledger.file, recorded + WAIT_S
    sql = (
        "SELECT a.outcome, a.detail, a.finished_at FROM attempts a JOIN decisions d USING (seq)"
        " WHERE d.key=? AND a.outcome IS NOT NULL"
    )
    while not (rows := file.rows(sql, (review.key,))):
        assert time.time() < until, "the worker did not apply it"
        time.sleep(LOOK_S)
    assert rows[0]["outcome"] == "applied", tuple(rows[0])
    finished = datetime.fromisoformat(rows[0]["finished_at"]).timestamp()
    (resume,) = (
        event
        for event in events_since(file, 0, thread_id=review.thread_id)
        if event.kind == "resume"
    )
    return resume.at - recorded, finished - recorded


async def _bare(db: Path, count: int) -> list[float]:
    """LangGraph alone, in this process, on the same kind of rows."""
    times = []
    async with aiosqlite.connect(db) as connection:
        graph = graphs.graph.compile(checkpointer=AsyncSqliteSaver(connection))
        for number in range(count):
            began = time.perf_counter()
            await graph.ainvoke(Command(resume=True), graphs.config(f"bench-{number}"))
            times.append(time.perf_counter() - began)
    return times
