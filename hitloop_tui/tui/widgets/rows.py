"""Styled lines that wrap by terminal cells and lose nothing; pure, so tests read text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from rich.cells import cell_len, get_character_cell_size

from hitloop_tui.safetext import Safe
from hitloop_tui.tui.glyphs import ascii_only

Part = tuple[Safe, str]
"""Text and the style it is drawn in, such as `$muted`."""
Row = list[Part]
"""What one terminal row shows."""

MIN_WIDTH = 8
TIED = "\u00a0"
"""A blank at which no row ends."""
GAP = f"{TIED} "
"""Stands between texts. Our own: where a row ends after it, no sign of a blank is drawn."""
_JOINTS = "./_-:,;|"
"""Where a word that is longer than a row may end it: paths, names and identifiers."""

BLANK_SIGN = "_" if ascii_only() else "␣"

_RANGES = ((0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x2FF), (0x370, 0x482), (0x2500, 0x25FC))
_SIGNS = "…•→↑↓⏎␣✓✗∅»❝“”—€\u2018\u2019\u2013"
_ONE_CELL = frozenset(map(chr, chain.from_iterable(range(a, b + 1) for a, b in _RANGES))).union(
    char for char in _SIGNS if get_character_cell_size(char) == 1
)
"""Common characters known to fill one cell each; text of them alone wraps ten times as fast."""


def own(literal: str) -> Safe:
    """Text of our own: literals, numbers, glyphs. Never somebody else's."""
    return Safe(literal)


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line; it becomes as many rows as its text needs."""

    parts: tuple[Part, ...] = ()
    gutter: tuple[Part, ...] = ()
    """Drawn before every row."""
    lead: tuple[Part, ...] = ()
    """Drawn before the gutter of the first row; blanks as wide stand before the others."""
    hang: int = 0
    """Cells by which rows after the first are indented."""
    solid: int = 0
    """Characters at the start among which no row ends at a space: aligned columns."""
    right: tuple[Part, ...] = ()
    """Drawn at the right edge, on a row of its own where the first has no room."""
    fill: Part | None = None
    """A character that fills the space before `right`."""


def line(*parts: Part, hang: int = 0) -> Line:
    return Line(parts, hang=hang)


BLANK = Line()


class Wrapped:
    """A Line at one width."""

    __slots__ = ("_below", "_ends", "_gap", "_right_fits", "_starts", "_text", "line", "width")

    def __init__(self, of: Line, width: int) -> None:
        self.line = of
        self.width = max(width, MIN_WIDTH)
        lead = cells_of(of.lead)
        gutter = lead + cells_of(of.gutter)
        room = max(self.width - gutter, MIN_WIDTH)
        hang = min(of.hang, room // 2)
        self._below = own(" " * lead)
        self._gap = own(" " * hang)
        self._text = "".join(text for text, _ in of.parts)
        self._starts = _offsets(of.parts)
        self._ends = row_ends(self._text, room, room - hang, of.solid)
        used = gutter + cell_len(self._text) + cells_of(of.right) if of.right else 0
        self._right_fits = len(self._ends) == 1 and used < self.width

    @property
    def height(self) -> int:
        return len(self._ends) + (1 if self.line.right and not self._right_fits else 0)

    def row(self, index: int) -> Row:
        """The parts of one row."""
        if index >= len(self._ends):
            return self._beside([])
        gap: Row = [(self._gap, "")] if index and self._gap else []
        below: Row = [(self._below, "")] if self._below else []
        shown = [*(below if index else self.line.lead), *self.line.gutter, *gap]
        shown += self._slice(index)
        if index == 0 and self.line.right and self._right_fits:
            return self._beside(shown)
        return shown

    def _beside(self, left: Row) -> Row:
        space = max(self.width - cells_of(left) - cells_of(self.line.right), 0)
        char, style = self.line.fill or (own(" "), "")
        return [*left, (own(char * space), style), *self.line.right]

    def _slice(self, index: int) -> Row:
        start = self._ends[index - 1] if index else 0
        end = self._ends[index]
        if end - start == len(self._text):
            return list(self.line.parts)
        solid = 0 if index else self.line.solid
        return _edges(self._cut(start, end), index > 0, end < len(self._text), solid)

    def _cut(self, start: int, end: int) -> Row:
        row: Row = []
        at = bisect_right(self._starts, start) - 1
        while at < len(self._starts) and self._starts[at] < end:
            text, style = self.line.parts[at]
            first = max(start - self._starts[at], 0)
            row.append((Safe(text[first : end - self._starts[at]]), style))
            at += 1
        return row


def row_ends(text: str, first: int, rest: int, solid: int = 0) -> list[int]:
    """Where each row of `text` ends, for a first row of `first` cells and others of `rest`.

    Rows end after a blank where there is one. A longer word is divided after a joint such as the
    dots of a path.
    """
    if text.isascii() or _ONE_CELL.issuperset(text):
        return _narrow_ends(text, first, rest, solid)
    return _wide_ends(text, first, rest, solid)


def _narrow_ends(text: str, first: int, rest: int, solid: int) -> list[int]:
    ends: list[int] = []
    start, width, length = 0, first, len(text)
    while length - start > width:
        limit = start + width
        space = text.rfind(" ", max(start, solid), limit)
        start = space + 1 if space > start else _joint(text, start + width // 2, limit)
        ends.append(start)
        width = rest
    if start < length or not ends:
        ends.append(length)
    return ends


def _edges(row: Row, before: bool, after: bool, solid: int) -> Row:
    """Blanks at the ends of a row that could be taken for none are visible: those it begins with
    where the one before was full, several, and those after a joint at which a word may end.

    `before` and `after` are whether there are more rows, `solid` is the end of columns."""
    text = plain(row)
    left = len(text) - len(text.lstrip(" ")) if before else 0
    word = text.rstrip(" ")
    right = len(text) - len(word) if after else 0
    if right == 1 and (" " in word[solid:] or not word.endswith(tuple(_JOINTS))):
        right = 0
    if left:
        row = _signed(row, 0, left)
    return _signed(row, len(word), len(text)) if right and word else row


def _signed(row: Row, start: int, stop: int) -> Row:
    """With signs in place of the blanks there."""
    found: Row = []
    at = 0
    for text, style in row:
        signs = [BLANK_SIGN if start <= at + n < stop else char for n, char in enumerate(text)]
        found.append((Safe("".join(signs)), style))
        at += len(text)
    return found


def _joint(text: str, first: int, limit: int) -> int:
    """The last place in a long word where a row reads well to its end; `limit` for none."""
    return max(text.rfind(char, first, limit) for char in _JOINTS) + 1 or limit


def _wide_ends(text: str, first: int, rest: int, solid: int) -> list[int]:
    ends: list[int] = []
    start, used, width, space = 0, 0, first, -1
    for index, char in enumerate(text):
        size = 1 if char < "\x7f" else get_character_cell_size(char)
        if used + size > width:
            start, used = index, 0
            if space >= max(ends[-1] if ends else 0, solid):
                word = cell_len(text[space + 1 : index])
                if word + size <= rest:
                    start, used = space + 1, word
            ends.append(start)
            width = rest
        if char == " ":
            space = index
        used += size
    if start < len(text) or not ends:
        ends.append(len(text))
    return ends


def _styled(row: Row) -> list[tuple[str, str]]:
    return [(char, style) for text, style in row for char in text]


def _offsets(parts: Sequence[Part]) -> list[int]:
    offsets, at = [], 0
    for text, _ in parts:
        offsets.append(at)
        at += len(text)
    return offsets


def cells_of(parts: Iterable[Part]) -> int:
    return sum(cell_len(text) for text, _ in parts)


def plain(row: Row) -> str:
    """The text of a row, without styles."""
    return "".join(text for text, _ in row)


def differing(before: Row, after: Row) -> tuple[int, int] | None:
    """First cell and number of cells in which two rows differ; None when they do not."""
    old, new = _styled(before), _styled(after)
    if old == new:
        return None
    size = min(len(old), len(new))
    start = next((n for n in range(size) if old[n] != new[n]), size)
    end = next((n for n in range(size - start) if old[-1 - n] != new[-1 - n]), size - start)
    if len(old) != len(new):
        end = 0
    cells = [
        cell_len("".join(char for char, _ in row[start : len(row) - end])) for row in (old, new)
    ]
    return cell_len("".join(char for char, _ in new[:start])), max(cells)


def render_text(lines: Iterable[Line], width: int) -> list[str]:
    """Lines as a terminal of `width` cells shows them, for tests and copying."""
    wrapped = (Wrapped(each, width) for each in lines)
    return [plain(each.row(n)).rstrip() for each in wrapped for n in range(each.height)]
