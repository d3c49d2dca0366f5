"""A console with a widget that passes no door: what it draws are the characters that mislead.

python -m tests.hostile.bypass DATABASE
"""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from hitloop_tui.attach.person import Person
from hitloop_tui.tui.app import ConsoleApp
from hitloop_tui.tui.setup import Setup

HIDDEN = ("Cc", "Cf", "Zl", "Zp")
RARE = ("Cs", "Co", "Cn")
"""So many that every thousandth of them has to do."""
LINKED = "linked"


def misleading() -> list[str]:
    """Every control, format and separator character, and some that nobody has assigned."""
    every = map(chr, range(sys.maxunicode + 1))
    found: dict[str, list[str]] = {name: [] for name in (*HIDDEN, *RARE)}
    for char in every:
        if (category := unicodedata.category(char)) in found:
            found[category].append(char)
    rare = [char for name in RARE for char in found[name][::1000]]
    return [char for name in HIDDEN for char in found[name]] + rare


class Raw(Widget):
    """Rows with a frame of its own around them, each character between two letters."""

    COLUMNS = 40

    def __init__(self) -> None:
        super().__init__()
        chars = misleading()
        self._rows = [chars[n : n + self.COLUMNS] for n in range(0, len(chars), self.COLUMNS)]

    def render_line(self, y: int) -> Strip:
        if y >= len(self._rows):
            link = Style(link="https://evil.example/\x1b[2J")
            return Strip([Segment(LINKED, link)]).extend_cell_length(self.size.width)
        text = "".join(f"{char}x" for char in self._rows[y])
        inner = Strip([Segment(text)]).extend_cell_length(self.size.width - 2)
        return Strip.join([Strip([Segment("|")]), inner, Strip([Segment("|")])])


class Bypass(Screen[None]):
    BINDINGS = [("q", "app.quit", "Quit"), ("c", "crash", "Crash")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        yield Raw()

    def action_crash(self) -> None:
        raise ValueError("".join(misleading()))


def main() -> None:
    for size in ("COLUMNS", "LINES"):  # as `run_console` does
        os.environ.pop(size, None)
    app = ConsoleApp(Setup(Path(sys.argv[1]), Person("ann", {"login": "ann"})))
    app.call_later(app.push_screen, Bypass())
    app.run()
    sys.exit(app.return_code)


if __name__ == "__main__":
    main()
