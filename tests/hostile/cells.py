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
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from hitloop_tui.attach import shapes
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.masks import MASKS
from hitloop_tui.attach.remembered import Remembered
from hitloop_tui.attach.review import Act, Kind
from hitloop_tui.tui.dialogs import ConfirmDialog
from hitloop_tui.tui.widgets import inbox_rows, trace_lines
from hitloop_tui.tui.widgets.rows_view import RowsView
from tests.hostile import files
from tests.hostile.boxes import Shot, shot
from tests.hostile.corpora import every
from tests.hostile.twins import twins
from tests.pilot.console import NARROW, WIDE, Console, console

VERBS = {"e": Kind.EDIT, "r": Kind.REJECT, "c": Kind.RESPOND, "a": Kind.APPROVE}
ACTS = {"exclamation_mark": Act.RETRY, "C": Act.CLEAR, "D": Act.DONE}
"""Keys that open a dialog."""
MAX_PAGES = 60
AGAIN_S = 4.0
"""After which a key is pressed again."""
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


async def looks(at: Console) -> AsyncIterator[Shot]:
    """All that a console shows: each card to its end, each dialog, marked rows, the trace. What was
    looked at last is on the screen until the next look is asked for."""
    await at.until(lambda: not at.main.inbox._loading)
    await press(at, "g")
    told: list[Event] = []
    with mock.patch.object(at.main.trace, "add", told.extend):  # it comes in no steady order
        at.main.trace.clear()
        async for each in _cards(at):
            yield each
        async for each in _marked(at):
            yield each
        await _trace_alone(at, told)
    async for each in _trace(at, told):
        yield each


async def _cards(at: Console) -> AsyncIterator[Shot]:
    for number, row in enumerate(list(at.main.inbox.state.shown)):
        await at.until(lambda row=row: _on_card(at, row.key), f"row {number}")
        async for each in _card(at, f"row {number}"):
            yield each
        await press(at, "J")


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
    asks = {key: partial(at.main._deciding.why_not, kind) for key, kind in VERBS.items()}
    asks |= {key: partial(at.main._acting.why_not, act) for key, act in ACTS.items()}
    for key in [key for key, why_not in asks.items() if why_not() is None]:
        if key != "a" or not _read(at):
            await at.until(lambda key=key: asks[key]() is None)  # the last one may not be over
            async for each in _dialog(at, f"{name}, dialog {key}", key):
                yield each


def _pages(view: RowsView) -> int:
    return min(-(-view.row_count // max(view.size.height, 1)), MAX_PAGES)


async def _dialog(at: Console, name: str, *keys: str, leave: str = "escape") -> AsyncIterator[Shot]:
    """Open something by keys, look at it, and leave it by another."""
    before, late = at.app.screen, 0.0
    while at.app.screen is before:
        if time.monotonic() > late:  # a busy machine is too slow for the first press
            at.clock.now += 1
            await press(at, *keys)
            late = time.monotonic() + AGAIN_S
        await at.pilot.pause()
    at.main.status._end_flash()
    opened = at.app.screen
    look, earlier = shot(name, at.app), None
    while look != earlier:  # laid out once more
        await at.pilot.pause()
        look, earlier = shot(name, at.app), look
    yield look
    await press(at, leave)
    await at.until(lambda: at.app.screen is not opened, name)


def _read(at: Console) -> bool:
    """Whether approving asks nothing any more."""
    review = at.main.card.review
    assert review is not None
    return review.risk != "high" or at.main.card.was_seen(review, at.main.card.action_index)


async def _marked(at: Console) -> AsyncIterator[Shot]:
    """What is asked about all that are marked, and help."""
    await press(at, "1", "g", "asterisk")
    async for each in _dialog(at, "reason for many", "R", leave="enter"):
        yield each
    await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
    await at.pilot.pause()
    yield shot("confirmation of many", at.app)
    await press(at, "escape")
    await at.until(lambda: at.app.screen is at.main)
    await press(at, "asterisk")
    async for each in _dialog(at, "help", "question_mark"):
        yield each


async def _trace_alone(at: Console, told: list[Event]) -> None:
    """Read anew, and alone on the screen."""
    trace = at.main.trace
    if trace.display:
        await press(at, "T")
        await at.until(lambda: not trace.display)
    told.clear()
    await press(at, "T", "3")
    await at.until(lambda: trace.has_focus)
    await press(at, "z", "t")
    await at.until(lambda: not at.main.card.display)
    await at.until(lambda: told)
    count = -1
    while len(told) != count:
        count = len(told)
        await at.pilot.pause(SETTLE_S)


async def _trace(at: Console, told: list[Event]) -> AsyncIterator[Shot]:
    trace = at.main.trace
    trace.clear()
    trace.add(sorted(told, key=lambda event: event.at))
    await at.until(lambda: trace.row_count > 1 and not trace._waiting)
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
    async with console(db, size, rows=1) as at:
        return [each async for each in looks(at)]


def _masked(text: str) -> bool:
    """Names such as `/etc/passwd`: their values are hidden, and that is said."""
    return bool(MASKS.over({text: text}).places)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every text, not each tenth")
    parser.add_argument("--size", choices=["80x24", "140x40"])
    given = parser.parse_args()
    texts = [text for text in every() if files.storable(text) and not _masked(text)]
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
