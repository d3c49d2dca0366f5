"""Lines with the rows they take at one width: each is measured once, however many there are."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence

from textual.cache import LRUCache

from hitloop_tui.tui.widgets.rows import Line, Row, Wrapped

KEPT = 1024
"""Wrapped lines that are kept; all of them would take twice the memory of the lines."""


class Measured:
    """The lines may grow at their end; `measure` takes the new ones in."""

    def __init__(self, lines: Sequence[Line], width: int) -> None:
        self.lines = lines
        self.width = width
        self.count = 0
        """Rows of all lines that were measured."""
        self._starts = array("Q")
        self._wrapped: LRUCache[int, Wrapped] = LRUCache(KEPT)
        self.measure()

    def shows(self, lines: Sequence[Line]) -> bool:
        """Whether these lines, all of them, were measured."""
        if lines is self.lines:
            return len(lines) == len(self._starts)
        return lines == self.lines

    def measure(self) -> None:
        for index in range(len(self._starts), len(self.lines)):
            self._starts.append(self.count)
            self.count += self.wrapped(index).height

    def wrapped(self, index: int) -> Wrapped:
        found = self._wrapped.get(index)
        if found is None:
            found = self._wrapped[index] = Wrapped(self.lines[index], self.width)
        return found

    def line_at(self, y: int) -> int:
        """Which line a row belongs to."""
        return bisect_right(self._starts, y) - 1

    def start(self, index: int) -> int:
        """The first row of a line."""
        return self._starts[index]

    def height(self, index: int) -> int:
        if index >= len(self._starts):
            return 0
        end = self._starts[index + 1] if index + 1 < len(self._starts) else self.count
        return end - self._starts[index]

    def row(self, y: int) -> Row:
        index = self.line_at(y)
        return self.wrapped(index).row(y - self._starts[index])
