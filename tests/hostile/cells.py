"""Whether an agent can change a cell that is not its own: everything the console shows of hostile
texts beside the same of benign ones as large. Each tenth text takes an hour, all ten:

    python -m tests.hostile.cells [--all] [--size 80x24]
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from hitloop_tui.attach import shapes
from hitloop_tui.attach.remembered import Remembered
from hitloop_tui.attach.review import Act, Kind
from hitloop_tui.tui.dialogs import ConfirmDialog
from hitloop_tui.tui.widgets import inbox_rows, trace_lines
from hitloop_tui.tui.widgets.rows_view import RowsView
from tests.hostile import files
from tests.hostile.boxes import Shot, shot
from tests.hostile.corpora import every
from tests.hostile.twins import twins
from tests.pilot.console import NARROW, WAIT_S, WIDE, Console, console

VERBS = {"e": Kind.EDIT, "r": Kind.REJECT, "c": Kind.RESPOND, "a": Kind.APPROVE}
ACTS = {"exclamation_mark": Act.RETRY, "C": Act.CLEAR, "D": Act.DONE}
"""Keys that open a dialog."""
MAX_PAGES = 60
AGAIN_S = 2.0
SETTLE_S = 0.4
"""After which no more of the trace's past comes."""
_OURS = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d(:\d\d)?|\b[0-9a-f]{8,}\b|\b\d+ s ago")
"""Times and ids, which no two files share."""


@contextmanager
def same_but_for_the_text() -> Iterator[None]:
    """Warnings are about the text, and ages about the clock."""
    with (
        mock.patch.object(shapes, "_doubts", return_value=()),
        mock.patch.object(shapes, "_DOUBTS", Remembered()),
        mock.patch.object(inbox_rows, "ago", return_value="now"),
        mock.patch.object(trace_lines, "time", SimpleNamespace(localtime=id, strftime=_noon)),
    ):
        yield


def _noon(form: str, at: object) -> str:
    return "12:00:00"


async def looks(db: Path, size: tuple[int, int]) -> AsyncIterator[Shot]:
    """All that is shown of a file: each card to its end, each dialog, the trace, marked rows."""
    async with console(db, size, rows=1) as at:
        await at.until(lambda: not at.main.inbox._loading)
        await press(at, "g")
        for number, row in enumerate(list(at.main.inbox.state.shown)):
            await at.until(lambda row=row: _on_card(at, row.key), f"row {number}")
            for each in [each async for each in _card(at, f"row {number}")]:
                yield each
            await press(at, "J")
        for each in [each async for each in _others(at)]:
            yield each


async def press(at: Console, *keys: str) -> None:
    """Without the pilot's pauses, which take ten times as long."""
    for key in keys:
        at.app.simulate_key(key)
        await at.pilot._wait_for_screen()


def _on_card(at: Console, key: str) -> bool:
    review = at.main.card.review
    return review is not None and review.key == key and at.main.card.drawn


async def _card(at: Console, name: str) -> AsyncIterator[Shot]:
    at.clock.now += 1
    for number in range(_pages(at.main.card)):
        yield shot(f"{name}, page {number}", at.app)
        at.main.card.action_page_down()
        await at.pilot.pause()
    at.main.card.scroll_home(animate=False)
    asking = [key for key, kind in VERBS.items() if at.main._deciding.why_not(kind) is None]
    asking += [key for key, act in ACTS.items() if at.main._acting.why_not(act) is None]
    for key in asking:
        if key != "a" or not _read(at):
            yield await _dialog(at, f"{name}, dialog {key}", key)


def _pages(view: RowsView) -> int:
    return min(-(-view.row_count // max(view.size.height, 1)), MAX_PAGES)


async def _dialog(at: Console, name: str, *keys: str, leave: str = "escape") -> Shot:
    """Open something by keys, look at it, and leave it by another."""
    before = at.app.screen
    await press(at, *keys)
    late = time.monotonic() + AGAIN_S
    while at.app.screen is before:
        if time.monotonic() > late:  # the key came before the card was known to be painted
            at.clock.now += 1
            await press(at, *keys)
            late = time.monotonic() + WAIT_S
        await at.pilot.pause()
    opened = at.app.screen
    await at.pilot.pause()
    look = shot(name, at.app)
    await press(at, leave)
    await at.until(lambda: at.app.screen is not opened, name)
    return look


def _read(at: Console) -> bool:
    """Whether approving asks nothing any more."""
    review = at.main.card.review
    assert review is not None
    return review.risk != "high" or at.main.card.was_seen(review, at.main.card.action_index)


async def _others(at: Console) -> AsyncIterator[Shot]:
    """All marked, help, trace."""
    await press(at, "1", "g", "asterisk")
    yield await _dialog(at, "reason for many", "R", leave="enter")
    await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
    await at.pilot.pause()
    yield shot("confirmation of many", at.app)
    await press(at, "escape")
    await at.until(lambda: at.app.screen is at.main)
    await press(at, "asterisk")
    yield await _dialog(at, "help", "question_mark")
    trace = at.main.trace
    await press(at, *(() if trace.display else "T"), "3", "z", "t")
    rows = -1
    while trace.row_count != rows:
        rows = trace.row_count
        await at.pilot.pause(SETTLE_S)
    await press(at, "g")
    for number in range(_pages(trace)):
        yield shot(f"trace, page {number}", at.app)
        trace.action_page_down()
        await at.pilot._wait_for_screen()


def differences(hostile: Shot, benign: Shot) -> list[str]:
    """The rows of which a cell outside of all boxes differs; or the boxes that do."""
    if hostile.name != benign.name:
        return [f"{hostile.name} beside {benign.name}"]
    found = [f"{hostile.name}: box {box}" for box in sorted(hostile.boxes ^ benign.boxes)]
    for y, (one, other) in enumerate(zip(hostile.cells, benign.cells, strict=True)):
        inside = [(start, stop) for row, start, stop in hostile.boxes if row == y]
        rows = [_outside(cells, inside) for cells in (one, other)]
        if rows[0] != rows[1]:
            words = ["".join(char for char, _ in cells) for cells in (one, other)]
            found.append(f"{hostile.name}, row {y}:\n    {words[0]!r}\n    {words[1]!r}")
    return found


def _outside(cells: Sequence[tuple[str, object]], inside: Sequence[tuple[int, int]]) -> object:
    """What is not in a box, without what no two files share."""
    blank = [any(start <= x < stop for start, stop in inside) for x in range(len(cells))]
    text = "".join(
        "\x00" if hidden else char for (char, _), hidden in zip(cells, blank, strict=True)
    )
    looks = [None if hidden else style for (_, style), hidden in zip(cells, blank, strict=True)]
    return _OURS.sub(lambda match: "0" * len(match[0]), text), looks


def compare(folder: Path, texts: Sequence[str], size: tuple[int, int]) -> tuple[int, list[str]]:
    """How many looks were compared, and what differs."""
    pair = []
    for name, written in (("hostile", texts), ("benign", twins(texts))):
        db = folder / name / "agents.db"
        db.parent.mkdir(parents=True)
        files.build(db, written)
        with same_but_for_the_text():
            pair.append(asyncio.run(_all(db, size)))
    hostile, benign = pair
    found = [f"{len(hostile)} looks, {len(benign)} looks"] if len(hostile) != len(benign) else []
    for one, other in zip(hostile, benign, strict=False):
        found += differences(one, other)
    return len(hostile), found


async def _all(db: Path, size: tuple[int, int]) -> list[Shot]:
    return [each async for each in looks(db, size)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every text, not each tenth")
    parser.add_argument("--size", choices=["80x24", "140x40"])
    given = parser.parse_args()
    texts = [each for each in every() if files.storable(each)]
    texts = texts if given.all else texts[::10]
    sizes = [size for size in (NARROW, WIDE) if given.size in (None, f"{size[0]}x{size[1]}")]
    looked, found, step = 0, 0, 3
    for start in range(0, len(texts), step):
        batch = texts[start : start + step]
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                count, odd = compare(Path(folder), batch, size)
            looked, found = looked + count, found + len(odd)
            for each in odd[:6]:
                print(f"  {each}")
            print(
                f"{start + step} of {len(texts)} texts: {looked} looks, {found} differences",
                flush=True,
            )
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
