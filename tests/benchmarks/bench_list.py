"""Listing all pending Reviews against LangGraph's own ways and the raw scan."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ormsgpack

from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.session import Session
from tests.benchmarks import database, graphs
from tests.benchmarks.measure import Line, Options, Spread, interleaved, ms, timed

ROUNDS = 9
SAMPLE = 1000
"""Threads that `get_state` reads; more are extrapolated."""
LISTED = 10_000
"""Above so many threads `list(None)` is extrapolated."""

SCAN = """
WITH hit AS MATERIALIZED (
  SELECT w.rowid AS id FROM writes w WHERE w.idx=-3 AND w.checkpoint_ns=''
     AND w.checkpoint_id = (SELECT max(c.checkpoint_id) FROM checkpoints c
                             WHERE c.thread_id=w.thread_id AND c.checkpoint_ns=''))
SELECT w.thread_id, w.checkpoint_id, w.task_id, w.type, w.value
  FROM hit JOIN writes w ON w.rowid=hit.id
 WHERE NOT EXISTS (SELECT 1 FROM writes o WHERE o.thread_id=w.thread_id AND o.checkpoint_ns=''
                    AND o.checkpoint_id=w.checkpoint_id AND o.task_id=w.task_id AND o.idx>=0)"""


def run(options: Options) -> list[Line]:
    lines: list[Line] = []
    listed: tuple[int, float] | None = None
    for threads in options.threads:
        db = database.built(options.folder, threads)
        if threads <= LISTED or listed is None:
            listed = threads, timed(lambda db=db: _saver_list(db))
        lines += _at(db, threads, listed)
    return lines


def _at(db: Path, threads: int, listed: tuple[int, float]) -> list[Line]:
    counts = {_floor(db), _reviews(db), _load(db)}
    assert len(counts) == 1, f"the ways differ: {counts}"
    works: list[Callable[[], Any]] = [_floor, _scan, _reviews, _load, _newest, _newest_rows]
    spreads = interleaved(ROUNDS, *(lambda work=work: work(db) for work in works))
    floor, scan, reviews, load = (spread.p50 for spread in spreads[:4])
    return [
        _scanned(f"{threads:,} threads, {counts.pop():,} pending: Inbox.reviews()", reviews, floor),
        _scanned(f"{threads:,}: Inbox.load()", load, floor),
        Line(f"{threads:,}: Inbox.load()", ms(load), f"SQL alone {ms(scan)}", load / scan),
        *_langgraph(db, threads, load, listed),
        _first(f"{threads:,}: Checkpoints.newest(50), {_newest(db)} found", spreads[4]),
        _first(f"{threads:,}: Inbox.load_newest(50)", spreads[5]),
    ]


def _scanned(what: str, ours: float, floor: float) -> Line:
    ratio = ours / floor
    return Line(what, ms(ours), f"SQL + decode {ms(floor)}", ratio, "<= 1.2x", ratio <= 1.2)


def _langgraph(db: Path, threads: int, load: float, listed: tuple[int, float]) -> list[Line]:
    sample, what = min(threads, SAMPLE), f"{threads:,}: Inbox.load()"
    state = timed(lambda: _get_state(db, threads, sample)) / sample * threads
    whole = listed[1] * threads / listed[0]
    state_guess = f" (from {sample:,} threads)" if threads > sample else ""
    guess = f" (x{threads // listed[0]} of {listed[0]:,})" if threads > listed[0] else ""
    return [
        Line(what, ms(load), f"get_state {ms(state)}{state_guess}", load / state),
        Line(what, ms(load), f"saver.list(None) {ms(whole)}{guess}", load / whole),
    ]


def _first(what: str, found: Spread) -> Line:
    return Line(what, str(found), target="< 50 ms", met=found.p50 < 0.05)


def _raw(db: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"{db.absolute().as_uri()}?mode=ro", uri=True)
    rows = connection.execute(SCAN).fetchall()
    connection.close()
    return rows


def _scan(db: Path) -> int:
    return len(_raw(db))


def _floor(db: Path) -> int:
    return len([_decode(row[4]) for row in _raw(db)])


def _decode(blob: bytes) -> Any:
    return ormsgpack.unpackb(blob, ext_hook=lambda _, data: _decode(data))


def _reviews(db: Path) -> int:
    session = Session.open(db)
    count = len(list(session.inbox.reviews()))
    session.close()
    return count


def _load(db: Path) -> int:
    session = Session.open(db)
    session.inbox.load()
    count = len(session.inbox.rows())
    session.close()
    return count


def _newest(db: Path) -> int:
    source = Checkpoints(db)
    count = len(source.newest(50))
    source.close()
    return count


def _newest_rows(db: Path) -> int:
    session = Session.open(db)
    session.inbox.load_newest(50)
    count = len(session.inbox.rows())
    session.close()
    return count


def _get_state(db: Path, threads: int, sample: int) -> int:
    saver = graphs.saver(db)
    graph = graphs.chain(database.STEPS).compile(checkpointer=saver)
    step = threads // sample
    names = [f"thread-{number:06d}" for number in range(0, step * sample, step)]
    count = sum(bool(graph.get_state(graphs.config(name)).interrupts) for name in names)
    saver.conn.close()
    return count


def _saver_list(db: Path) -> int:
    saver = graphs.saver(db)
    count = sum(1 for _ in saver.list(None))
    saver.conn.close()
    return count
