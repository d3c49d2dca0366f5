"""No character is eaten: what is painted, page by page, reads back as what is stored.

`python -m tests.hostile.test_eaten` reads every text there is.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from wcwidth import wcswidth, wcwidth

from hitloop_tui.core.strict_json import NotJson
from hitloop_tui.safetext import safe, unescape
from hitloop_tui.tui.dialogs.edit import edited
from hitloop_tui.tui.dialogs.json_text import editable
from hitloop_tui.tui.widgets.card import Card
from hitloop_tui.tui.widgets.values import word
from tests.hostile.boxes import cells
from tests.hostile.corpora import every, sample
from tests.hostile.files import storable
from tests.pilot import questions
from tests.pilot.bare import Bare
from tests.pilot.console import NARROW, WIDE
from tests.samples import action, review

HITLOOP = [sys.executable, "-m", "hitloop_tui"]
EDGES = [
    *("\u5b57" * n + " x\u5b57/ y" for n in (34, 35, 36, 37, 70, 71)),
    *("w" * n + " /" + "w" * 70 + "/ w  w" for n in (55, 60, 61, 62, 66, 67)),
    *("e\u0301" * n + "\U0001f44d\U0001f3fd\u2764\ufe0f \u1112\u1161\u11ab" for n in (10, 59, 60)),
    *("\u05d0\u05d1 " * 40, "a\tb\r\nc\r\n", "\u0939\u093f\u0928\u094d\u0926\u0940 " * 30),
    "x" + " " * 7 + "y" * 200 + " " * 8 + "z" + " " * 41,
    "\n\n a\n" + " " * 12 + "b \n",
]


async def painted(args: dict[str, Any], size: tuple[int, int]) -> list[str]:
    """The rows of the arguments, as the screen has them, from the first page to the last."""
    card = Card()
    rows: dict[int, str] = {}
    async with Bare(card).run_test(size=size) as pilot:
        card.show(review(action(args)), ())
        await pilot.pause()
        card._more and card.action_more()
        while True:
            top = card.scroll_offset.y
            for y, row in enumerate(cells(pilot.app)[: card.row_count - top]):
                rows[top + y] = "".join(char for char, _ in row[1:-2]).rstrip(" ")
            if top >= card.max_scroll_y:
                break
            card.action_page_down()
            await pilot.pause()
    listed = [rows[y] for y in sorted(rows)]
    start = next(n for n, row in enumerate(listed) if row.startswith("Arguments ─"))
    stop = next(n for n, row in enumerate(listed[start:], start) if not row and n > start)
    return listed[start + 1 : stop]


def read(rows: list[str]) -> dict[str, str]:
    """The texts of arguments named `t0`, `t1`, ...: as a person reads them."""
    found: dict[str, str] = {}
    name = ""
    for row in rows:
        assert row.startswith("▎"), row
        head = re.match(r"▎ (t\d+)  +str(?:     (.*))?$", row)
        if head:
            name, value = head[1], head[2] or ""
            counted = re.fullmatch(r"(\d[\d,]* lines, )?[\d,]+ characters?", value)
            found[name] = "" if counted else value
        elif row.startswith("▎ │"):
            found[name] = _joined(found[name], row.removeprefix("▎ │").removeprefix(" "))
        else:
            found[name] = _joined(found[name], row.removeprefix("▎").lstrip(" "))
    return {name: _plain(text) for name, text in found.items()}


def _joined(before: str, row: str) -> str:
    """A row goes on where the one before ended: at its edge, or after a blank that is not seen."""
    return f"{before}\x00{row}" if before else row


def _plain(text: str) -> str:
    """Without the signs of line ends and blanks, still escaped."""
    text = text.replace("⏎\x00", "\n").replace("⏎", "\n")
    text = re.sub(r"␣x([\d,]+)␣", lambda match: " " * int(match[1].replace(",", "")), text)
    return text.replace("␣", " ")


def same(shown: str, stored: str) -> bool:
    """Equal, but for the places where a row ended: there stands one blank or none."""
    pattern = "".join(" ?" if char == "\x00" else re.escape(char) for char in shown)
    escaped = "\n".join(map(safe, stored.split("\n")))
    escaped = escaped.replace("⏎", r"\u23ce").replace("␣", r"\u2423")
    return re.fullmatch(pattern, escaped) is not None and unescape(escaped) == stored


async def eaten(texts: Sequence[str], size: tuple[int, int]) -> list[tuple[str, str]]:
    """Texts that read otherwise than they are, and what is read."""
    found = []
    for start in range(0, len(texts), 40):
        args = {f"t{n}": text for n, text in enumerate(texts[start : start + 40])}
        shown = read(await painted(args, size))
        assert shown.keys() == args.keys()
        found += [(args[n], shown[n]) for n in args if not same(shown[n], args[n])]
    return found


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_the_arguments_on_the_card(size: tuple[int, int]) -> None:
    assert await eaten([*EDGES, *filter(None, sample(140))], size) == []


async def test_an_eaten_character_would_be_noticed() -> None:
    [shown] = read(await painted({"t0": "w" * 90 + " 1"}, NARROW)).values()
    assert same(shown, "w" * 90 + " 1")
    assert not same(shown, "w" * 89 + " 1")
    assert not same(shown, "w" * 90 + "  1")


def _key(db: Path) -> str:
    command = [*HITLOOP, "ls", "--json", "--db", str(db)]
    [row] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return str(row["key"])


def test_what_show_says(tmp_path: Path) -> None:
    args = {f"t{n}": text for n, text in enumerate([*EDGES, *sample(140)]) if storable(text)}
    db = tmp_path / "agents.db"
    questions.ask(db, {"t": questions.gate("tool", args, "low")})
    command = [*HITLOOP, "show", _key(db), "--json", "--db", str(db)]
    said = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    assert json.loads(said.stdout)["actions"][0]["tool_args"] == args


def test_what_show_says_to_a_person(tmp_path: Path) -> None:
    args = {f"t{n}": text for n, text in enumerate([*EDGES, *sample(140)]) if storable(text)}
    db = tmp_path / "agents.db"
    questions.ask(db, {"t": questions.gate("tool", args, "low")})
    command = [*HITLOOP, "show", _key(db), "--db", str(db)]
    said = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    text = said.stdout.decode().partition("the agent says")[0]
    found = re.findall(r"^  (t\d+) \(str\):(?: (.*)|((?:\n    │.*)+)|)$", text, re.MULTILINE)
    shown = {
        name: unescape(one or "\n".join(row[6:] for row in block.split("\n")[1:]))
        for name, one, block in found
    }
    assert shown == args


def test_an_edit_that_changes_nothing() -> None:
    for text in [*every(), *EDGES]:
        asked = action({"a": text, text: [text, {text: 1}]})
        try:
            written = editable(asked.tool_args)
        except NotJson:
            assert not storable(text)  # two surrogates, which JSON takes for one character
        else:
            assert edited(asked, written) == asked.tool_args


def test_terminals_and_textual_count_the_same_cells() -> None:
    """For each character that is shown; a mark is counted on a letter."""
    for char in map(chr, range(0x110000)):
        shown = safe(f"a{char}")[1:]
        if shown == char:
            assert cell_len(char) == wcwidth(char), ascii(char)
        name = word(f"a{char}")
        assert cell_len(name) == wcswidth(name), ascii(char)
        assert unescape(shown) == char
        assert char in "⏎␣ " or unescape(name) == f"a{char}"


def test_what_is_escaped_is_what_was_written() -> None:
    looks = [safe(text) for text in every()]
    assert [unescape(look) for look in looks] == every()
    assert len(set(looks)) == len(set(every()))


if __name__ == "__main__":
    for size in (NARROW, WIDE):
        wrong = asyncio.run(eaten([*EDGES, *filter(None, every())], size))
        print(f"{size}: {len(every()) + len(EDGES)} texts, {len(wrong)} of them eaten", *wrong[:3])
