"""Taking in one changed thread after a commit of somebody else."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from hitloop_tui.attach.session import Session
from tests.benchmarks import database
from tests.benchmarks.measure import Line, Options, Spread, ms, timed
from tests.benchmarks.writer import Questions

CHANGES = 200
LARGEST = 10_000


def run(options: Options) -> list[Line]:
    lines: list[Line] = []
    for threads in [size for size in options.threads if size <= LARGEST]:
        db = database.built(options.folder, threads)
        with options.scratch() as folder:
            lines += _at(Path(shutil.copy(db, folder / "agents.db")), threads)
    return lines


def _at(db: Path, threads: int) -> list[Line]:
    questions = Questions(db, "thread-000000")
    session = Session.open(db)
    session.inbox.load()
    refreshed, sorting, idle = [], [], []
    for number in range(CHANGES):
        before, thread = len(session.inbox.rows()), f"new-{number // 2}"
        change = questions.end if number % 2 else questions.ask
        change(thread)
        began = time.perf_counter()
        assert session.inbox.refresh()
        refreshed.append(time.perf_counter() - began)
        sorting.append(timed(session.inbox.rows))
        idle.append(timed(session.inbox.refresh))
        assert len(session.inbox.rows()) == before + (-1 if number % 2 else 1)
    rows = len(session.inbox.rows())
    session.close()
    questions.close()
    found = Spread(refreshed)
    return [
        Line(
            f"{threads:,} threads: Inbox.refresh(), one changed",
            str(found),
            target="p50 < 1 ms",
            met=found.p50 < 0.001,
        ),
        Line(f"{threads:,}: Inbox.refresh(), nothing changed", str(Spread(idle))),
        Line(f"{threads:,}: Inbox.rows(), {rows:,} rows sorted", ms(Spread(sorting).p50)),
    ]
