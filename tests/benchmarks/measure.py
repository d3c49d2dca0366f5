"""Timing, spread and the table: what all benchmarks share."""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HEADINGS = ("what", "ours", "against", "ratio", "target", "met")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    threads: Sequence[int]
    folder: Path
    """Where databases are built."""

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for one benchmark, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="run-") as folder:
            os.environ["XDG_STATE_HOME"] = folder
            yield Path(folder)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a benchmark's table."""

    what: str
    ours: str
    against: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    """None for a number without a target."""

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}x"
        met = {True: "met", False: "MISSED", None: ""}[self.met]
        return self.what, self.ours, self.against, ratio, self.target, met


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds, many of them."""

    values: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        return sorted(self.values)[min(int(len(self.values) * 0.95), len(self.values) - 1)]

    def __str__(self) -> str:
        return f"p50 {ms(self.p50)}, p95 {ms(self.p95)}, max {ms(max(self.values))}"


def ms(seconds: float) -> str:
    if seconds >= 10:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.3g} ms"


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleaved(rounds: int, *works: Callable[[], object]) -> list[Spread]:
    """Time each work `rounds` times, in turn, so that a noisy minute hits all of them."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, times, strict=True):
            found.append(timed(work))
    return [Spread(found) for found in times]


def cpu_s(pid: int) -> float:
    """CPU seconds of a process with all its threads, to the nanosecond (Linux)."""
    return time.clock_gettime((~pid << 3) | 2)


def show(title: str, lines: Sequence[Line]) -> None:
    """Print a Markdown table that is readable as it is."""
    table = [HEADINGS, *(line.cells() for line in lines)]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEADINGS))]
    rule = tuple("-" * width for width in widths)
    print(f"\n### {title}\n")
    for row in (HEADINGS, rule, *table[1:]):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"| {' | '.join(cells)} |")
    print(flush=True)


def options() -> tuple[argparse.ArgumentParser, Callable[[argparse.Namespace], Options]]:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--threads", default="1000,10000", help="sizes, such as 1000,10000,100000")
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--keep", action="store_true", help="leave the databases for the next run")

    def read(given: argparse.Namespace) -> Options:
        folder = given.dir / "hitloop-benchmarks"
        folder.mkdir(parents=True, exist_ok=True)
        return Options(sorted(int(size) for size in given.threads.split(",")), folder)

    return parser, read
