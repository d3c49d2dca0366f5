"""From the start of the process to the console's first paint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks import database
from tests.benchmarks.measure import Line, Options, Spread, ms, timed
from tests.benchmarks.pty_console import CONSOLE, SIZE, Pty

ROUNDS = 10
FRAME, ROWS = "waiting", "thread-[0-9]"


def run(options: Options) -> list[Line]:
    with options.scratch() as folder:
        found = [(0, folder / "none.db")]
        found += [(size, database.built(options.folder, size)) for size in options.threads]
        imports: list[float] = []
        frames: dict[int, list[float]] = {size: [] for size, _ in found}
        rows: dict[int, list[float]] = {size: [] for size, _ in found}
        for number in range(ROUNDS + 1):
            once = timed(_import_textual)
            for size, db in found:
                frame, row = _start(db, with_rows=size > 0)
                if number:  # the first round fills the caches
                    frames[size].append(frame)
                    rows[size].append(row)
            imports += [once] * bool(number)
    return [line for size in frames for line in _lines(size, frames[size], rows[size], imports)]


def _lines(size: int, frames: list[float], rows: list[float], imports: list[float]) -> list[Line]:
    floor = Spread(imports)
    limit = 1.3 * floor.p50 + 0.2
    against, target = f"import textual.app {ms(floor.p50)}", f"<= 1.3x + 0.2 s = {ms(limit)}"
    lines = []
    for what, times in (("first paint", frames), ("first rows", rows)):
        found = Spread(times)
        ratio, met = found.p50 / floor.p50, found.p50 <= limit
        lines.append(Line(f"{size:,} threads: {what}", str(found), against, ratio, target, met))
    return lines if size else lines[:1]


def _import_textual() -> None:
    subprocess.run([sys.executable, "-c", "import textual.app"], check=True)


def _start(db: Path, *, with_rows: bool) -> tuple[float, float]:
    pty = Pty([*CONSOLE, str(db), "--read-only"], *SIZE)
    try:
        frame = pty.wait_for(FRAME)
        row = pty.wait_for(ROWS) if with_rows else frame
        return frame - pty.started, row - pty.started
    finally:
        pty.close()
