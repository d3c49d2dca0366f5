"""Driving the console by its keys, and waiting for what they lead to."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from hitloop_tui.attach.ledger import Ledger, Record
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.person import Person
from hitloop_tui.hold import NO_HOLD, Hold
from hitloop_tui.paths import ledger_path
from hitloop_tui.tui.app import ConsoleApp
from hitloop_tui.tui.dialogs.frame import Told
from hitloop_tui.tui.screens.main import MainScreen
from hitloop_tui.tui.setup import Setup
from hitloop_tui.tui.widgets.rows import plain
from hitloop_tui.tui.widgets.rows_view import RowsView
from hitloop_tui.tui.widgets.status import Said
from tests.pilot.bare import screen_text

WAIT_S = 30.0
NARROW, WIDE = (80, 24), (140, 40)
ME = Person("ann", {"login": "ann"})


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Console:
    """A running console."""

    app: ConsoleApp
    pilot: Pilot[None]
    clock: Clock
    records: Callable[[], list[Record]] = field(repr=False)

    @property
    def main(self) -> MainScreen:
        return self.app.main

    @property
    def said(self) -> str:
        """The status line."""
        return self.main.status.query_one(Said).words.plain

    @property
    def shown(self) -> str:
        """The whole screen."""
        return screen_text(self.app)

    @property
    def card(self) -> str:
        """All of the card, on one line."""
        return rows_of(self.main.card)

    @property
    def dialog(self) -> str:
        """What the open dialog says, on one line; empty without one."""
        if self.app.screen is self.main:
            return ""
        return " ".join(map(rows_of, self.app.screen.query(Told)))

    @property
    def footer(self) -> dict[str, bool]:
        """The keys in the footer, and whether they do something."""
        footer = self.main.footer
        return {key.id: key.id not in footer.off for key in footer._fitting()}

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, true: Callable[[], Any], what: str = "") -> None:
        """Wait until something holds."""
        late = time.monotonic() + WAIT_S
        while time.monotonic() < late:
            if true():
                return
            await self.pilot.pause()
            await asyncio.sleep(0.01)
        raise AssertionError(what or f"never true; the status line says {self.said!r}")

    async def go_to(self, thread: str) -> None:
        """Select a thread's Review, wait until it is on the card, and read it for a while."""
        state = self.main.inbox.state
        await self.press("g")
        for _ in state.shown:
            if state.row is not None and state.row.thread_id == thread:
                break
            await self.press("j")
        await self.read(thread)

    async def read(self, thread: str) -> None:
        await self.until(
            lambda: (review := self.main.card.review) and review.thread_id == thread,
            f"{thread} never came to the card",
        )
        await self.until(lambda: self.main._showing.drawn)
        self.clock.now += 1


@asynccontextmanager
async def console(
    db: Path,
    size: tuple[int, int] = NARROW,
    *,
    read_only: bool = False,
    rows: int = 6,
    hold: Hold = NO_HOLD,
) -> AsyncIterator[Console]:
    """The console on a database, with its first `rows` read."""
    clock = Clock()
    app = ConsoleApp(Setup(db, ME, read_only=read_only, hold=hold, clock=clock))
    async with app.run_test(size=size, notifications=True) as pilot:
        running = Console(app, pilot, clock, lambda: recorded(db))
        await running.until(lambda: app.main.inbox.state.total >= rows)
        if rows:
            await running.until(lambda: app.main.card.review is not None)
            await pilot.pause()
        clock.now += 1
        app.main.inbox.settle()
        yield running


def rows_of(view: RowsView) -> str:
    """All rows, on one line, without the marks of others' words."""
    text = " ".join(plain(view.row(y)) for y in range(view.row_count))
    return " ".join(re.sub("[▎│] ", "", text).split())


def recorded(db: Path) -> list[Record]:
    """Every decision in the ledger beside a database."""
    file = LedgerFile(ledger_path(db))
    try:
        return Ledger(file).records()
    finally:
        file.close()
