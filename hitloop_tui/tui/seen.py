"""How much of a question's arguments has been on the screen, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """What of the arguments was on the screen, at the width of now."""

    seen: int
    rows: int
    below: int
    """Rows below the screen."""
    more: bool
    """Whether there is more than these rows: the person has to ask for it."""

    @property
    def unseen(self) -> int:
        return self.rows - self.seen

    @property
    def whole(self) -> bool:
        return not self.unseen and not self.more

    @property
    def words(self) -> str:
        """`62% seen, 31 lines below`."""
        where = "below" if self.unseen == self.below else "not seen"
        left = f"{self.unseen:,} line{'s' * (self.unseen != 1)} {where}" if self.unseen else ""
        loaded = " of what is loaded" if self.more else ""
        percent = 100 * self.seen // max(self.rows, 1)
        return ", ".join(filter(None, (f"{percent}% seen{loaded}", left)))


class Seen:
    """Lines that were on the screen. A line counts when each of its rows was there at one width."""

    def __init__(self) -> None:
        self.whole = False
        """Once all was seen, it stays seen."""
        self._lines = bytearray()
        """By line, whether it was seen."""
        self._count = 0
        self._rows: dict[int, set[int]] = {}
        self._width = 0
        self._whole_rows: int | None = 0
        """Rows of the lines that were seen, at this width; None when they must be counted anew."""

    def __len__(self) -> int:
        return self._count

    def paint(self, line: int, row: int, height: int, width: int) -> bool:
        """A row of a line reached the screen; False when nothing is new."""
        self._at(width)
        self._lines.extend(bytes(max(line + 1 - len(self._lines), 0)))
        if self._lines[line]:
            return False
        rows = self._rows.setdefault(line, set())
        if row in rows:
            return False
        rows.add(row)
        if len(rows) == height:
            self._lines[line] = True
            self._count += 1
            del self._rows[line]
            if self._whole_rows is not None:
                self._whole_rows += height
        return True

    def rows(self, height: Callable[[int], int], width: int) -> int:
        """How many rows were seen, of lines of such heights."""
        self._at(width)
        if self._whole_rows is None:
            self._whole_rows = sum(height(n) for n, seen in enumerate(self._lines) if seen)
        return self._whole_rows + sum(map(len, self._rows.values()))

    def _at(self, width: int) -> None:
        if width != self._width:
            self._rows.clear()
            self._width, self._whole_rows = width, None
