"""What the console draws, how fast, and in how many bytes: all on a real pty of 80x24."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import time
from multiprocessing.connection import Connection
from pathlib import Path

from tests.benchmarks import database, writer
from tests.benchmarks.measure import Line, Options, Spread, cpu_s, ms
from tests.benchmarks.pty_console import Pty, console

COMMITS, RUNS = 100, 50
PAUSES_S = 0.3, 1.2
"""Between commits: within the half second in which the console looks at frame rate, and after."""
IDLE_S = 30.0
MOVES = 40
SMALL, LARGEST = 1_000, 10_000
LIST_QUIET_S, CARD_QUIET_S = 0.015, 0.25
"""The list is drawn first, the card some frames later."""


def run(options: Options) -> list[Line]:
    lines: list[Line] = []
    for threads in [size for size in options.threads if size <= LARGEST]:
        with options.scratch() as folder:
            built = database.built(options.folder, threads)
            db = Path(shutil.copy(built, folder / "agents.db"))
            os.sync()  # else the agent's commits wait for the copy to reach the disk
            lines += _drawn(db, threads)
    with options.scratch():
        lines += _at_rest(database.built(options.folder, min(options.threads)))
        for rows in sorted({min(options.threads), max(options.threads)}):
            lines += _moves(database.built(options.folder, rows, all_pending=True), rows)
    return lines


def _drawn(db: Path, threads: int) -> list[Line]:
    like = "thread-000000"
    with (
        console(db, rows=threads // database.TEMPLATES) as screen,
        writer.process(writer.ask_when_told, db, like) as agent,
    ):
        one = Spread([_row(screen, agent, "commit", number) for number in range(COMMITS)])
        run = Spread([_row(screen, agent, "run", number) for number in range(RUNS)])
    return [
        Line(
            f"{threads:,} threads: question committed to row drawn, one commit",
            str(one),
            target="p95 < 30 ms",
            met=one.p95 < 0.03,
        ),
        Line(
            f"{threads:,} threads: the last of several commits of a graph run to row drawn",
            str(run),
            target="p95 < 30 ms",
            met=run.p95 < 0.03,
        ),
    ]


def _row(screen: Pty, agent: Connection, how: str, number: int) -> float:
    screen.press("g")  # the selected row stays where it is, so new ones would fill the list
    screen.listen(random.uniform(*PAUSES_S))
    thread_id = f"{how}-{number:03d}"
    agent.send((how, thread_id))
    drawn = screen.wait_for(thread_id)
    committed: float = agent.recv()
    return drawn - committed


def _at_rest(db: Path) -> list[Line]:
    with console(db) as screen:
        screen.listen(3)
        before, began = cpu_s(screen.pid), time.monotonic()
        count = len(screen.listen(IDLE_S))
        share = (cpu_s(screen.pid) - before) / (time.monotonic() - began)
    return [
        Line("console at rest: CPU", f"{share:.3%}", target="< 0.3 %", met=share < 0.003),
        Line(f"console at rest: bytes in {IDLE_S:.0f} s", f"{count}", target="0", met=count == 0),
    ]


def _moves(db: Path, rows: int) -> list[Line]:
    name = f"{rows:,} rows: cursor move"
    with console(db, rows=rows) as screen:
        screen.press("j")
        screen.burst(1.0)
        still = [_move(screen, key) for key in "jk" * (MOVES // 2)]
        for _ in range(12):
            screen.press("j")
        screen.burst(1.0)
        scrolled = [_move(screen, "j") for _ in range(MOVES)]
    lines = []
    for what, found in ((name, still), (f"{name} that scrolls", scrolled)):
        counts, delays, all_counts, all_delays, cpu = zip(*found, strict=True)
        count, delay = statistics.median(counts), Spread(delays).p50
        lines += [
            Line(f"{what}, list: bytes", f"{count:.0f}", target="<= 250", met=count <= 250),
            Line(f"{what}, list: time", str(Spread(delays)), target="< 5 ms", met=delay < 0.005),
            Line(
                f"{what}, with the card",
                f"{statistics.median(all_counts):.0f} bytes, {Spread(all_delays)},"
                f" CPU {ms(statistics.median(cpu))}",
            ),
        ]
    return lines


def _move(screen: Pty, key: str) -> tuple[int, float, int, float, float]:
    """Bytes and seconds of the list's part, of all, and the CPU seconds it took."""
    before = cpu_s(screen.pid)
    pressed = screen.press(key)
    count, drawn = screen.burst(LIST_QUIET_S)
    more, ended = screen.burst(CARD_QUIET_S, CARD_QUIET_S)
    cpu = cpu_s(screen.pid) - before
    ended = ended if more else drawn
    return count, drawn - pressed, count + more, ended - pressed, cpu
