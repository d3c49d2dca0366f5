"""Whether a click, a drag or a mouse that passes by does anything on words of an agent.

Each cell of every box gets a click of one kind and another, on every card, dialog and trace:

    python -m tests.hostile.clicks [--all]

At 80x24 that is a minute or two for one text.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from rich.style import Style
from textual import events
from textual.app import App
from textual.widgets import TextArea
from textual.widgets._toast import Toast

from hitloop_tui.attach.session import Session
from hitloop_tui.tui.widgets.inbox import InboxList
from tests.hostile import files
from tests.hostile.boxes import Shot, boxes
from tests.hostile.cells import looks
from tests.hostile.corpora import texts
from tests.pilot.console import NARROW, WIDE, Console, console

KEYS = ("", "shift", "ctrl", "meta")
GESTURES = [(1, 1, ""), *product((3, 2, 1), (1, 2), KEYS)]
"""Button, how often, and the key held down meanwhile."""
PASSIVE = {"offset"}
"""What Textual notes of a cell for selecting text."""


def handlers(app: App[Any]) -> Iterator[str]:
    """Cells of boxes that have a link, or an action for a click."""
    inside = {(y, x) for y, start, stop in boxes(app) for x in range(start, stop)}
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            style = segment.style or Style()
            if (y, x) in inside and (style.link or style.meta.keys() - PASSIVE):
                yield f"{y}, {x}: {segment.text!r} {style.link} {style.meta}"
            x += segment.cell_length


async def press_everywhere(at: Console, look: Shot, step: int, *, rows: bool = False) -> int:
    """Every `step`th cell of the boxes, without the inbox unless `rows`; how many."""
    pressed = 0
    for y, start, stop in sorted(look.boxes):
        over = at.app.screen.get_widget_at(start, y)[0] if start < at.app.size.width else None
        if isinstance(over, InboxList) is not rows:
            continue
        for x in range(start + (y + start) % step, stop, step):
            for gesture in (GESTURES[0], GESTURES[(x + 7 * y) % len(GESTURES)]):
                for event in mouse(x, y, *gesture):
                    at.app.post_message(event)
            pressed += 1
        for event in drag(start, stop - 1, y) if y % step == 0 else ():
            at.app.post_message(event)
        await at.pilot._wait_for_screen()
    await at.pilot.pause()
    return pressed


def mouse(x: int, y: int, button: int, times: int, key: str) -> Iterator[events.MouseEvent]:
    yield _event(events.MouseMove, x, y, 0)
    for _ in range(times):
        yield _event(events.MouseDown, x, y, button, key)
        yield _event(events.MouseUp, x, y, button, key)


def drag(start: int, stop: int, y: int) -> Iterator[events.MouseEvent]:
    yield _event(events.MouseDown, start, y, 1)
    yield _event(events.MouseMove, stop, y, 1)
    yield _event(events.MouseUp, stop, y, 1)


def _event(
    kind: type[events.MouseEvent], x: int, y: int, button: int, key: str = ""
) -> events.MouseEvent:
    held = {name: name == key for name in KEYS if name}
    return kind(None, x, y, 0, 0, button, screen_x=x, screen_y=y, **held)  # type: ignore[arg-type]


def said_and_typed(app: App[Any]) -> tuple[object, ...]:
    """What a click on words may not change."""
    screen = app.screen
    return screen, len(app.screen_stack), [area.text for area in screen.query(TextArea)]


async def found_in(at: Console, step: int, first: int) -> tuple[int, list[str]]:
    """Presses in a whole console, and what they did; on its `first` cards and pages."""
    pressed, found = 0, []
    async for look in looks(at):
        if any(int(number) >= first for number in re.findall(r"(?:row|page) (\d+)", look.name)):
            continue
        found += [f"{look.name}: {each}" for each in handlers(at.app)]
        before = said_and_typed(at.app)
        pressed += await press_everywhere(at, look, step)
        if said_and_typed(at.app) != before:
            found.append(f"{look.name}: {before} became {said_and_typed(at.app)}")
        found += [f"{look.name}: a toast" for _ in at.app.screen.query(Toast)]
        at.app.screen.clear_selection()
        if not at.app.is_running:
            return pressed, [*found, f"{look.name}: the console has ended"]
    return pressed, found


def ledger(db: Path) -> list[tuple[object, ...]]:
    """All that persons have ever said: verdicts, and what was ordered beside them."""
    session = Session.open(db)
    try:
        tables = ("decisions", "orders")
        return [tuple(row) for name in tables for row in session.ledger.file.rows(_ALL % name)]
    finally:
        session.close()


_ALL = "SELECT * FROM %s"


async def _whole(db: Path, size: tuple[int, int], step: int, first: int) -> tuple[int, list[str]]:
    async with console(db, size, rows=1) as at:
        return await found_in(at, step, first)


def compare(
    folder: Path, written: Sequence[str], size: tuple[int, int], step: int, first: int = 999
) -> tuple[int, list[str]]:
    """How many cells were pressed on, and what that did."""
    db = folder / "agents.db"
    files.build(db, written)
    before = ledger(db)
    pressed, found = asyncio.run(_whole(db, size, step, first))
    return pressed, [*found, *(["the ledger has changed"] if ledger(db) != before else [])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every text of markup, not each sixth")
    given = parser.parse_args()
    written = [each for each in texts()["markup"] if files.storable(each)]
    written = written if given.all else written[::6]
    total, odd = 0, 0
    for start in range(0, len(written), 3):
        for size, step in ((NARROW, 1), (WIDE, 2)):
            with tempfile.TemporaryDirectory() as folder:
                pressed, found = compare(Path(folder), written[start : start + 3], size, step)
            total, odd = total + pressed, odd + len(found)
            for each in found[:6]:
                print(f"  {each}")
            done = f"{min(start + 3, len(written))} of {len(written)} texts"
            print(f"{done}: {total:,} cells, {odd} actions", flush=True)
    sys.exit(bool(odd))


if __name__ == "__main__":
    main()
