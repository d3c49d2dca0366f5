"""Text of a value, with what an eye could miss made visible: line ends, blanks, escapes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from hitloop_tui.attach.masks import Mask
from hitloop_tui.safetext import Safe, escaped, safe
from hitloop_tui.tui.content import FAINT, MUTED, WARN
from hitloop_tui.tui.glyphs import G, ascii_only
from hitloop_tui.tui.widgets.rows import BLANK_SIGN, Line, Part, own

MAX_CHARS = 64 * 1024
MAX_LINES = 2000
LONG_BLANK = 8
"""Blanks between words from which on their number is said."""
LONG_EDGE = 40
"""The same for blanks at the start or end of a line, where code has many."""

LINE_END = "$" if ascii_only() else "⏎"
SPACE = BLANK_SIGN

_SIGNS = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "⏎␣"})

COUNTED = f"reverse {WARN}"
"""Style of counted blanks: not to be mistaken, even without colour, for the same signs in data."""

INDENT: Part = (own("  "), "")
"""Stands before rows of our own in between."""
QUOTED: Part = (own("| " if ascii_only() else "▎ "), MUTED)
"""Stands before every row of words that an agent chose: those may look like ours."""
TOLD: Part = (own(f"{G.bar} "), FAINT)
"""Stands before every row in which words of ours have a label, and hold words of others."""

_NOTABLE = re.compile(
    r"\\\\|(?P<escape>(?:\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}))+)"
    rf"|(?P<edge>^ +| +$)|(?P<blank> {{{LONG_BLANK},}})"
)

_NAME = re.compile(
    r"(?P<plain>[!-\[\]-~]+)|(?P<blank> +)"
    r"|(?:\\(?:\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})|[^ -~])+"
)

_TYPES = {
    str: "str",
    bool: "bool",
    int: "int",
    float: "float",
    type(None): "null",
    list: "list",
    tuple: "list",
    dict: "object",
    Mask: "masked",
}


@dataclass(slots=True)
class Budget:
    """How much of one value may still be shown."""

    chars: int = MAX_CHARS
    lines: int = MAX_LINES
    cut: bool = False
    """Whether anything had to be left out."""

    @classmethod
    def pages(cls, count: int) -> Budget:
        return cls(MAX_CHARS * count, MAX_LINES * count)

    @property
    def spent(self) -> bool:
        return self.chars <= 0 or self.lines <= 0

    def take(self, text: str) -> tuple[list[str], str]:
        """The lines of `text` that fit, with their ends, and what is not shown, in words."""
        lines = [f"{each}\n" for each in text[: max(self.chars, 0)].split("\n")]
        lines[-1] = lines[-1][:-1]
        lines = lines[: max(self.lines, 0)]
        shown = sum(map(len, lines))
        self.chars -= shown
        self.lines -= len(lines)
        self.cut |= shown < len(text)
        return lines, unseen(len(text) - shown, text.count("\n", shown))


def unseen(chars: int, lines: int = 0) -> str:
    """`+1,204 characters, 31 lines not shown`; empty when nothing is missing."""
    if not chars:
        return ""
    more = f", {counted(lines, 'line')}" if lines else ""
    return f"+{counted(chars, 'character')}{more} not shown"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def type_name(value: Any) -> str:
    """The JSON type, with int and float told apart."""
    return _TYPES.get(type(value)) or safe(type(value).__name__)


def scalar(value: Any) -> str:
    """A value that is neither text nor a container, as JSON writes it. Raw."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value.bit_length() < 4096 else hex(value)
        case _:
            return repr(value)


def marked(text: str, style: str = "") -> tuple[Part, ...]:
    """One line of somebody else's text; escapes and telling blanks stand out."""
    return tuple(_parts(without_signs(safe(text)), style))


def without_signs(shown: Safe) -> Safe:
    """A text's own signs for blanks and line ends as escapes: colour is not all that tells them."""
    if not ("⏎" in shown or "␣" in shown) or ascii_only():
        return shown
    return Safe(shown.translate(_SIGNS))


def _parts(shown: Safe, style: str) -> Iterator[Part]:
    at = 0
    for match in _NOTABLE.finditer(shown):
        if match.lastgroup is None:
            continue
        if match.start() > at:
            yield Safe(shown[at : match.start()]), style
        at = match.end()
        if match.lastgroup == "escape":
            yield Safe(match[0]), WARN
        elif match.lastgroup == "edge" and len(match[0]) <= LONG_EDGE:
            yield own(SPACE * len(match[0])), FAINT
        else:
            yield own(f"{SPACE}x{len(match[0]):,}{SPACE}"), COUNTED
    if at < len(shown):
        yield Safe(shown[at:]), style


def machine(text: str, style: str = "") -> tuple[Part, ...]:
    """A name that programs read, as one word: blanks and what is not ASCII stand out.

    Spacing marks, which xterm gives a cell and Textual none, would push what stands beside a name.
    """
    shown = without_signs(safe(text))
    if not shown.isascii():
        marks = {ord(char): escaped(char) for char in set(shown) if _has_own_cell(char)}
        shown = Safe(shown.translate(marks))
    return tuple(_name_parts(shown, style))


def _has_own_cell(mark: str) -> bool:
    """U+1171E has been one since Unicode 15.1."""
    return unicodedata.category(mark) == "Mc" or mark == "\U0001171e"


def _name_parts(shown: Safe, style: str) -> Iterator[Part]:
    for match in _NAME.finditer(shown):
        match match.lastgroup:
            case "plain":
                yield Safe(match[0]), style
            case "blank":
                yield own(SPACE * len(match[0])), COUNTED
            case _:
                yield Safe(match[0]), f"{style} {WARN}".strip()


def word(name: str) -> Safe:
    """A name among words of ours: its blanks are visible, so that it ends where it seems to."""
    return Safe("".join(text for text, _ in machine(name)))


def quoted(text: str, cells: int, style: str = "") -> tuple[Part, ...]:
    """The start of a line of somebody else's text, and how much more there is."""
    start, cut = _start(text, cells)
    return *marked(start, style), *cut


def named(name: str, cells: int, style: str = "") -> tuple[Part, ...]:
    """The start of a name that programs read, and how much more there is."""
    start, cut = _start(name, cells)
    return *machine(start, style), *cut


def _start(text: str, cells: int) -> tuple[str, tuple[Part, ...]]:
    """What fits into so many cells once it is safe, and a note about the rest."""
    start = text[:cells]
    while (size := cell_len(safe(start))) > cells:
        start = start[: min(len(start) - 1, len(start) * cells // size)]
    more = len(text) - len(start)
    note = f"{G.ellipsis}+{counted(more, 'character')}"
    return start, ((own(note), WARN),) if more else ()


def line_of_text(text: str, gutter: tuple[Part, ...], style: str = "") -> Line:
    """One line of a text, its end visible where it has one."""
    words = marked(text.removesuffix("\n"), style)
    end: tuple[Part, ...] = ((own(LINE_END), FAINT),) if text.endswith("\n") else ()
    return Line((*words, *end), gutter)


def text_lines(text: str, gutter: tuple[Part, ...], budget: Budget, style: str = "") -> list[Line]:
    """Text of several lines behind a gutter, line ends visible, and what was left out said."""
    shown, missing = budget.take(text)
    found = [line_of_text(each, gutter, style) for each in shown if each]
    if missing:
        found.append(Line(((own(missing), WARN),), (INDENT,)))
    return found
