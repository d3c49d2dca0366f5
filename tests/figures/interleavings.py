"""Keys and refreshes of the list in any order: a decision reaches the Review that was on the card.

python -m tests.figures.interleavings [--n N] [--seed S] [--jobs J] drives the whole console, on
real files; J consoles at a time, one for each core by default.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from hitloop_tui.attach import orders
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.hold import Hold
from hitloop_tui.tui.app import ConsoleApp
from hitloop_tui.tui.arming import GRACE_S
from hitloop_tui.tui.dialogs import NameDialog
from hitloop_tui.tui.messages import InboxRead
from hitloop_tui.tui.setup import Setup
from tests.figures.arena import processes
from tests.pilot import questions
from tests.pilot.console import ME, Clock
from tests.pilot.stages import BOB

THREADS = 12
PER_CONSOLE = 500
"""Interleavings on one console and one database, before fresh ones."""
SIZE = (80, 24)
MOVES = ("j", "k", "g", "G", "J", "K", "o", "escape")
TYPED = (("slash", "a", "r", "escape"), ("slash", "i", "enter", "escape"))
"""Into the filter, all at once."""
DECIDE = {"a": Kind.APPROVE, "i": Kind.IGNORE, "r": Kind.REJECT}
HELD = Hold(3600, 3600, 3600)
"""Everything is taken back after each interleaving, so that it can be decided again."""
READ = 0.8
"""Share of interleavings that begin with a card that was read."""
QUIET_S = 60.0


@dataclass
class Count:
    """What came of it."""

    done: int = 0
    recorded: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Painted:
    """What was on the card when the screen was last drawn, and since when."""

    key: str | None
    since: float
    """On the console's clock."""


class World:
    """A console, and everything around it that does not ask before it changes something."""

    def __init__(
        self, app: ConsoleApp, pilot: Pilot[None], db: Path, clock: Clock, dice: random.Random
    ) -> None:
        self.app, self.pilot, self.clock, self.dice = app, pilot, clock, dice
        self.session = Session.open(db)
        self.painted = Painted(None, clock())
        self._agents = sqlite3.connect(db, isolation_level=None, timeout=10)
        self._agents.execute("PRAGMA synchronous=OFF")
        self._away: dict[str, dict[str, list[Any]]] = {}
        """Rows of threads that are deleted just now, by table."""
        self._keys: deque[events.Key] = deque(maxlen=20)
        """Pressed a moment ago."""
        self._watch_the_screen()

    def _watch_the_screen(self) -> None:
        """The app calls this for each piece it draws."""
        draw = self.app._display

        def noting(screen: Any, drawn: Any) -> None:
            draw(screen, drawn)
            shown = self.app.main.card.review
            key = None if shown is None else shown.key
            if key != self.painted.key:
                self.painted = Painted(key, self.clock())

        self.app._display = noting  # type: ignore[method-assign]

    def press(self, key: str) -> None:
        """As a terminal would, without waiting for what it leads to."""
        char = key if len(key) == 1 else "\r" if key == "enter" else None
        event = events.Key(key, char)
        event.set_sender(self.app)
        self._keys.append(event)
        self.app.post_message(event)

    def type(self, text: str) -> None:
        for char in text:
            self.press(char)

    def wait(self, seconds: float) -> None:
        """Let time pass, also for keys that wait for others."""
        self.clock.now += seconds
        for key in self._keys:
            key.time -= seconds

    def refresh(self) -> None:
        """Something happens, and the list is read and shown anew."""
        self.dice.choice([self._thread_goes, self._thread_comes, self._colleague, self._nothing])()
        self.session.inbox.refresh()
        rows = self.session.inbox.rows()
        if self.dice.random() < 0.2:
            rows = rows[: self.dice.randrange(1, len(rows) + 1)]  # the newest, before the rest
        self.app.main.post_message(InboxRead(rows, complete=True))

    async def read(self) -> None:
        """The person goes to a card and looks at it for a while."""
        until = time.monotonic() + QUIET_S
        while not self.app.main.armed:
            assert time.monotonic() < until, "no card to read"
            if self.app.main.row is None:
                self.press("escape")  # a filter that nothing fits
            elif self.app.main._showing.key != self.app.main.row.key:
                self.press(self.dice.choice("JK"))
            self.wait(GRACE_S)
            await asyncio.sleep(0.002)

    def restore(self) -> list[Record]:
        """Take back what was decided meanwhile, and say what that was."""
        while self._away:
            self._thread_comes()
        ledger = self.session.ledger
        made = ledger.records()
        with ledger.file.transaction() as connection:
            for record in made:
                orders.withdraw(connection, record.seq, "undo", BOB.decided_by, BOB.account)
        self.session.inbox.load()
        return made

    def close(self) -> None:
        self.session.close()
        self._agents.close()

    def _nothing(self) -> None:
        pass

    def _thread_goes(self) -> None:
        left = [r.thread_id for r in self.session.inbox.rows() if r.thread_id not in self._away]
        if len(left) < THREADS // 2:
            return
        thread = self.dice.choice(left)
        self._away[thread] = {}
        for table in ("checkpoints", "writes"):
            found = self._agents.execute(f"SELECT * FROM {table} WHERE thread_id=?", (thread,))
            self._away[thread][table] = found.fetchall()
            self._agents.execute(f"DELETE FROM {table} WHERE thread_id=?", (thread,))

    def _thread_comes(self) -> None:
        if not self._away:
            return
        for table, rows in self._away.pop(self.dice.choice(list(self._away))).items():
            for row in rows:
                marks = ",".join("?" * len(row))
                self._agents.execute(f"INSERT INTO {table} VALUES ({marks})", row)

    def _colleague(self) -> None:
        rows = [row for row in self.session.inbox.rows() if row.undecided]
        review = self.session.inbox.review(self.dice.choice(rows).key) if rows else None
        if review is not None:
            decide(self.session.inbox, review, {0: Verdict(Kind.REJECT)}, BOB)


async def interleave(world: World, count: Count) -> None:
    """Some moves and refreshes around one key that decides."""
    dice, aimed = world.dice, list[tuple[str | None, Kind]]()

    def decide_now() -> None:
        key = dice.choice("aira")
        aimed.append((world.painted.key, DECIDE[key]))
        world.press(key)

    def move() -> None:
        for key in dice.choice(TYPED) if dice.random() < 0.2 else dice.choice(MOVES).split():
            world.press(key)

    if dice.random() < READ:
        await world.read()
    steps = [dice.choice([move, world.refresh]) for _ in range(dice.randrange(1, 6))]
    steps.insert(dice.randrange(len(steps) + 1), decide_now)
    for step in steps:
        step()
        for _ in range(dice.choice([0, 0, 1, 3, 10])):
            await asyncio.sleep(0)
        if dice.random() < 0.4:
            await asyncio.sleep(dice.choice([0.001, 0.005, 0.02]))
        if dice.random() < 0.5:
            world.wait(dice.choice([GRACE_S / 2, GRACE_S, 2 * GRACE_S]))
    await settle(world)
    made = [record for record in world.restore() if record.decided_by == ME.decided_by]
    world.wait(dice.choice([0, 2 * GRACE_S]))
    count.done += 1
    count.recorded += len(made)
    for record in made:
        kind = record.verdicts[0].kind
        if (record.key, kind) != aimed[0]:
            count.wrong.append(f"{kind} of {record.key[:16]} instead of {aimed[0]}")


async def settle(world: World) -> None:
    """Answer what is asked, and wait until nothing is under way."""
    app, until = world.app, time.monotonic() + QUIET_S
    quiet = 0
    while quiet < 3:
        assert time.monotonic() < until, "never quiet"
        if app.screen is not app.main:
            world.refresh()
            if isinstance(app.screen, NameDialog):
                world.type(app.screen.tool_name)
            world.press("enter")
        await world.pilot.pause(0.002)  # until every widget has handled what it was sent
        busy = not app.typed_ahead.idle or any(w.is_running for w in app.main.workers)
        busy |= app.screen is not app.main
        quiet = 0 if busy else quiet + 1


async def console(folder: Path, seed: int, rounds: int) -> Count:
    """So many interleavings on one console."""
    count = Count()
    folder.mkdir(parents=True)  # noqa: ASYNC240
    db, dice, clock = folder / "agents.db", random.Random(seed), Clock()
    risks = ("low", "medium", "high")
    asked = {f"t{n}": questions.gate(f"tool_{n}", {"n": n}, risks[n % 3]) for n in range(THREADS)}
    questions.ask(db, asked)
    app = ConsoleApp(Setup(db, ME, hold=HELD, clock=clock))
    async with app.run_test(size=SIZE) as pilot:
        world = World(app, pilot, db, clock, dice)
        world.session.inbox.load()
        try:
            while app.main.inbox.state.total < THREADS or app.main.card.review is None:
                await pilot.pause(0.01)
            app.main.inbox.settle()
            for _ in range(rounds):
                await interleave(world, count)
        finally:
            world.close()
    return count


def interleavings(folder: Path, n: int, seed: int) -> Count:
    return _sum(_part(folder, seed, n, at) for at in range(0, n, PER_CONSOLE))


def in_parallel(folder: Path, n: int, seed: int, jobs: int) -> Count:
    """The same with so many consoles at a time, each in a process of its own."""
    with ProcessPoolExecutor(jobs, mp_context=processes) as pool:
        return _sum(pool.map(partial(_part, folder, seed, n), range(0, n, PER_CONSOLE)))


def _part(folder: Path, seed: int, n: int, at: int) -> Count:
    return asyncio.run(console(folder / str(at), seed + at, min(PER_CONSOLE, n - at)))


def _sum(counts: Iterable[Count]) -> Count:
    total = Count()
    for count in counts:
        total.done += count.done
        total.recorded += count.recorded
        total.wrong += count.wrong
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="J")
    given, began = parser.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        count = in_parallel(Path(folder), given.n, given.seed, given.jobs)
    print(f"decisions on a row other than the one on the card: {len(count.wrong)}/{count.done:,}")
    print(f"  {count.recorded:,} decisions recorded, {time.monotonic() - began:.0f} s")
    for why in count.wrong[:10]:
        print(f"  {why}")
    sys.exit(bool(count.wrong) or count.recorded == 0)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    main()
