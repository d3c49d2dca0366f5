"""A commit of another process, noticed by `attach.watch`, against a bare pipe."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.watch import changes
from tests.benchmarks import graphs, writer
from tests.benchmarks.measure import Line, Options, Spread

BUSY, IDLE = [0.03] * 1000, [0.8] * 60
"""Gaps between commits: within the half second of frame-rate looks, and after it."""
IDLE_S = 20.0

LATE_S = 0.04
"""Less than the time between two busy commits: the next one shall not have to tell of it."""

Found = tuple[list[float], list[tuple[float, int]], list[float], list[float]]


def run(options: Options) -> list[Line]:
    with options.scratch() as folder:
        watched, other = folder / "watched" / "agents.db", folder / "other" / "agents.db"
        for db in (watched, other):
            db.parent.mkdir()
            graphs.ask(db, "bench-0")
        lines = [
            *_lines("idle", asyncio.run(_watch(watched, other, IDLE))),
            *_lines("busy, 17 commits a second", asyncio.run(_watch(watched, other, BUSY))),
        ]
        share = asyncio.run(_idle_share(watched))
    met = share <= 0.001
    return [*lines, Line("idle CPU of the watcher", f"{share:.3%}", target="<= 0.1 %", met=met)]


def _lines(name: str, found: Found) -> list[Line]:
    committed, noticed, told, read = found
    delays = _delays(committed, noticed)
    ours, pipe = Spread(delays), Spread([b - a for a, b in zip(told, read, strict=True)])
    ratio, missed = ours.p50 / pipe.p50, sum(delay > LATE_S for delay in delays)
    late = f"later than {LATE_S * 1000:.0f} ms or never"
    return [
        Line(name, str(ours), f"pipe {pipe}", ratio, "p50 <= 1.3x", ratio <= 1.3),
        Line(f"{name}: {late}", f"{missed} of {len(committed)}", target="0", met=missed == 0),
    ]


def _delays(committed: Sequence[float], noticed: Sequence[tuple[float, int]]) -> list[float]:
    """From each commit to the first notice at which it can be read."""
    found = []
    for number, at in enumerate(committed, 1):
        seen = (time_ for time_, count in noticed if count >= number)
        found.append(next(seen, float("inf")) - at)
    return found


async def _watch(watched: Path, other: Path, gaps: Sequence[float]) -> Found:
    """When commits were made and noticed, and when others were told by a pipe and read there."""
    noticed: list[tuple[float, int]] = []
    read: list[float] = []
    receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
    session, side = Session.open(watched), Session.open(other)

    before = _newest(session)

    async def follow() -> None:
        async for _ in changes(session.watched, session.version):
            noticed.append((time.monotonic(), _newest(session) - before))

    def from_pipe() -> None:
        receiver.recv_bytes()
        side.version()
        read.append(time.monotonic())

    loop = asyncio.get_running_loop()
    with writer.process(writer.commit_now_and_then, sender, watched, other, gaps) as child:
        following = asyncio.create_task(follow())
        loop.add_reader(receiver.fileno(), from_pipe)
        committed, told = await loop.run_in_executor(None, child.recv)
        loop.remove_reader(receiver.fileno())
        following.cancel()
        await asyncio.wait([following])
    for one in (session, side):
        one.close()
    _close(receiver, sender)
    return committed, noticed, told, read


def _newest(session: Session) -> int:
    """Grows by one with each commit of the writer."""
    source = session.source
    assert isinstance(source, Checkpoints)
    return int(source.rows("SELECT max(rowid) FROM checkpoints")[0][0])


async def _idle_share(db: Path) -> float:
    session = Session.open(db)

    async def follow() -> None:
        async for _ in changes(session.watched, session.version):
            pass

    following = asyncio.create_task(follow())
    await asyncio.sleep(1)
    began = time.process_time()
    await asyncio.sleep(IDLE_S)
    share = (time.process_time() - began) / IDLE_S
    following.cancel()
    await asyncio.wait([following])
    session.close()
    return share


def _close(*pipes: Connection) -> None:
    for pipe in pipes:
        pipe.close()
