"""Arguments of 10 MB: listed, opened, read on, refused by the editor, copied, and printed.

The console runs on a pty of 100x40 with a clock on its event loop. *Deaf* is the longest time in
which no key would have been handled, as CPU seconds: waiting for a busy core is not its fault.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from hitloop_tui.attach.session import Session
from tests.benchmarks import graphs, large_values
from tests.benchmarks.measure import Line, Options, Spread, cpu_s, interleaved, ms, show
from tests.benchmarks.pty_console import Pty
from tests.benchmarks.ticking import gaps

OPEN_S, STALL_S, TIMES = 0.2, 0.05, 10
"""Targets: selected to painted, deaf while scrolling, and memory of one Review by its size."""
SIZE = 100, 40
OPENED, PAGES, MORE, TURNS = 7, 20, 15, 60
QUIET_S = 0.12
DOWN, TURN = "\x1b[6~", "\x1b[<65;70;20M"
SMALL = "small"


def run(options: Options) -> list[Line]:
    """It takes ten minutes or more, so each value's table is shown as soon as it was measured."""
    with options.scratch() as folder:
        for name, value in large_values.values().items():
            db = folder / f"{name}.db"
            large_values.write(db, {name: value, SMALL: "short"})
            show(f"large: {name}", [*_read(db, name), *_shown(db, name), *_printed(db, name)])
            db.unlink()
        return _inbox(folder / "inbox.db")


def _read(db: Path, name: str) -> list[Line]:
    """A thread's Review, beside what LangGraph's own reader needs for the row."""
    session = Session.open(db)
    saver = graphs.saver(db)
    row = "SELECT type, value FROM writes WHERE idx=-3 AND thread_id=?"

    def stock() -> Any:
        return JsonPlusSerializer().loads_typed(saver.conn.execute(row, (name,)).fetchone())

    ours, theirs = interleaved(5, lambda: session.inbox.thread_reviews(name), stock)
    session.close()
    saver.conn.close()
    first, again = ours.values[0], Spread(ours.values[1:])
    ratio = min(again.values) / min(theirs.values)
    told = f"first {ms(first)}, again {ms(again.p50)}"
    return [Line(f"{name}: read the Review", told, f"stock reader {ms(theirs.p50)}", ratio)]


@dataclass
class Console:
    """A console, and how long its event loop was deaf."""

    pty: Pty
    log: Path
    deaf: float = field(default=0.0)

    def open(self, key: str, thread: str) -> tuple[float, float]:
        """Seconds from the key to the Review's first argument on the card, and of CPU."""
        before, pressed = cpu_s(self.pty.pid), self.pty.press(key)
        painted = self.pty.wait_for(rf"(?<!=){thread}@example")
        used = cpu_s(self.pty.pid) - before
        self.pty.burst(0.3, 0.3)
        return painted - pressed, used

    def press(self, keys: Sequence[str]) -> list[float]:
        """Seconds from each key to the last byte that it leads to."""
        found = []
        for key in keys:
            pressed = self.pty.press(key)
            count, last = self.pty.burst(QUIET_S, 1.0)
            found += [last - pressed] * bool(count)
        return found or [0.0]

    @contextmanager
    def listening(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        time.sleep(0.05)
        self.deaf = max((min(gap.wall, gap.cpu) for gap in gaps(self.log, began)), default=0.0)

    @property
    def rss(self) -> int:
        return int(Path(f"/proc/{self.pty.pid}/statm").read_text().split()[1]) * 4096


@contextmanager
def _console(db: Path, thread: str) -> Iterator[Console]:
    log = db.with_suffix(".log")
    log.touch()
    command = [sys.executable, "-m", "tests.benchmarks.ticking", str(log), str(db)]
    pty = Pty(command, *SIZE)
    try:
        pty.wait_for(thread)
        pty.wait_for(rf"(?<!=){SMALL}@example")
        pty.burst(1.0, 1.0)
        yield Console(pty, log)
    finally:
        pty.close()


def _shown(db: Path, name: str) -> list[Line]:
    with _console(db, name) as console:
        before = console.rss
        with console.listening():
            opened: list[tuple[float, float]] = []
            back: list[float] = []
            for _ in range(OPENED):
                opened.append(console.open("j", name))
                back.append(console.open("k", SMALL)[0])
        lines = [_opened(name, opened, back, console.deaf)]
        console.open("j", name)
        console.press("2")
        for what, keys in (
            ("page down", [DOWN] * PAGES),
            ("space", " " * PAGES),
            ("m", "m" * MORE),
            ("end and home", "Gg"),
            ("wheel", [TURN * TURNS]),
            ("edit, refused", "e\x1b"),
            ("copy", "Y"),
            ("filter", "/x\x1b"),
        ):
            with console.listening():
                took = Spread(console.press(keys))
            lines.append(_scrolled(name, what, took, console.deaf))
        lines += [_memory(name, before, console.rss), _changed(console, db, name)]
    return lines


def _opened(name: str, opened: list[tuple[float, float]], back: list[float], deaf: float) -> Line:
    times, cpu = ([each[n] for each in opened] for n in (0, 1))
    told = f"first {ms(times[0])}, {Spread(times)}, least {ms(min(times))}"
    told += f"; CPU p50 {ms(statistics.median(cpu))}"
    told += f"; back {ms(statistics.median(back))}; deaf {ms(deaf)}"
    met = statistics.median(times) <= OPEN_S
    return Line(f"{name}: open", told, target=f"p50 <= {ms(OPEN_S)}", met=met)


def _scrolled(name: str, what: str, took: Spread, deaf: float) -> Line:
    target = f"deaf <= {ms(STALL_S)}"
    return Line(f"{name}: {what}", f"{took}; deaf {ms(deaf)}", target=target, met=deaf <= STALL_S)


def _memory(name: str, before: int, after: int) -> Line:
    told = f"{after / 1e6:.0f} MB; {before / 1e6:.0f} MB when it was only listed"
    times = (after - 60_000_000) / large_values.SIZE
    target = f"<= {TIMES}x of 10 MB over 60 MB"
    return Line(f"{name}: memory", told, ratio=times, target=target, met=times <= TIMES)


def _changed(console: Console, db: Path, name: str) -> Line:
    """Another thread asks while this one is on the card."""
    console.press("1g")
    with console.listening():
        graphs.ask(db, "other")
        done = time.monotonic()
        seen = console.pty.wait_for("other")
    took = max(seen - done, 0.0)
    return _scrolled(name, "another thread asks", Spread([took]), console.deaf)


def _printed(db: Path, name: str) -> list[Line]:
    listed, _ = _command("ls", str(db), "--json")
    [review] = [row["id"] for row in json.loads(listed) if row["thread_id"] == name]
    found = []
    for words in (["ls", str(db)], ["show", review, "--db", str(db)]):
        for more in ([], ["--json"]):
            out, cpu = _command(*words, *more)
            told = f"{ms(cpu)} CPU, {len(out) / 1e6:.1f} MB"
            found.append(Line(f"{name}: {' '.join([words[0], *more])}", told))
    _, cpu = _command("approve", review, "--db", str(db))
    return [*found, Line(f"{name}: approve", f"{ms(cpu)} CPU")]


def _command(*words: str) -> tuple[bytes, float]:
    """What a command prints, and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "hitloop_tui", *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, cpu


def _inbox(db: Path) -> list[Line]:
    """Many large Reviews at once."""
    value = large_values.values()["lines"]
    large_values.write(db, {f"large-{n:02d}": value for n in range(large_values.INBOX)})
    session = Session.open(db)
    began = time.perf_counter()
    session.inbox.load()
    first = time.perf_counter() - began
    began = time.perf_counter()
    session.inbox.load()
    again = time.perf_counter() - began
    session.close()
    name = f"{large_values.INBOX} Reviews of 10 MB: list"
    return [Line(name, f"first {ms(first)}, again {ms(again)}")]
