"""What the inbox shows, as a plain object: rows, order, filter, marks, and a cursor by identity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.review import State

_RISK_RANK = {"high": 0, "medium": 1, None: 2, "low": 3}
"""Nobody rated it is not the same as safe: unrated comes before low."""


STUCK = frozenset({State.FAILED, State.UNCERTAIN, State.STALE})


class Order(StrEnum):
    """How rows are sorted; the value is shown in the pane's title."""

    NEWEST = "newest first"
    RISKIEST = "riskiest first"
    OLDEST = "oldest first"

    @property
    def next(self) -> Order:
        members = list(Order)
        return members[(members.index(self) + 1) % len(members)]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change of the rows did to the cursor."""

    shift: int
    """Rows by which the cursor's line moved down; the view scrolls as much, so that it stays."""
    lost: str | None = None
    """The key that was under the cursor and is gone."""


@dataclass(slots=True)
class InboxState:
    """Rows in, shown rows out. The cursor is a key: rows may come and go around it."""

    order: Order = Order.NEWEST
    filter: str = ""
    shown: list[Row] = field(default_factory=list)
    """Filtered and sorted."""
    marks: set[str] = field(default_factory=set)
    cursor: str | None = None
    total: int = 0
    waiting: int = 0
    """Rows of the whole inbox that a person may decide, whatever the filter."""
    high: int = 0
    stuck: int = 0
    """Rows with a decision that did not go well, and needs a person."""
    _rows: Sequence[Row] = ()
    """All open rows, newest first."""
    _places: dict[str, int] = field(default_factory=dict)
    _words: dict[str, tuple[Row, str]] = field(default_factory=dict)
    """Lower-case text that the filter searches, by key; built when first needed."""

    @property
    def index(self) -> int:
        """The cursor's place among the shown rows; -1 when there is none."""
        return -1 if self.cursor is None else self._places.get(self.cursor, -1)

    @property
    def row(self) -> Row | None:
        index = self.index
        return self.shown[index] if index >= 0 else None

    def replace(self, rows: Sequence[Row]) -> Moved:
        """Take a new reading of the inbox, sorted newest first."""
        self._rows = rows
        self.total = len(rows)
        undecided = [row for row in rows if row.undecided]
        self.waiting = len(undecided)
        self.high = sum(row.risk == "high" for row in undecided)
        self.stuck = sum(row.state in STUCK for row in rows)
        if self.marks:
            self.marks &= {row.key for row in undecided}
        return self._show()

    def search(self, text: str) -> Moved:
        """Show only rows that contain every word of `text`."""
        self.filter = text
        return self._show()

    def sort(self, order: Order) -> Moved:
        self.order = order
        return self._show()

    def move_to(self, index: int) -> None:
        """Put the cursor on a shown row, the nearest one that exists."""
        if self.shown:
            self.cursor = self.shown[min(max(index, 0), len(self.shown) - 1)].key

    def move(self, by: int) -> None:
        self.move_to(self.index + by)

    def next_undecided(self) -> bool:
        """Move to the next row to decide, from the top again after the last; False when none."""
        start = self.index + 1
        for row in [*self.shown[start:], *self.shown[: max(start - 1, 0)]]:
            if row.undecided:
                self.cursor = row.key
                return True
        return False

    def toggle_mark(self) -> bool:
        """Mark or unmark the row under the cursor; False when it cannot be decided."""
        row = self.row
        if row is None or not row.undecided:
            return False
        self.marks ^= {row.key}
        return True

    def mark_shown(self) -> None:
        """Mark all shown rows to decide; unmark them when they are all marked already."""
        keys = {row.key for row in self.shown if row.undecided}
        self.marks = self.marks - keys if keys <= self.marks else self.marks | keys

    def place(self, key: str) -> int:
        """Where a key is shown; -1 when it is not."""
        return self._places.get(key, -1)

    def knows(self, key: str) -> bool:
        """Whether a row is open, shown or not."""
        return key in self._places or any(row.key == key for row in self._rows)

    def _show(self) -> Moved:
        before, index = self.shown, self.index
        self.shown = self._sorted(self._found())
        self._places = {row.key: place for place, row in enumerate(self.shown)}
        if index < 0:
            self.cursor = self.shown[0].key if self.shown else None
            return Moved(0)
        if self.cursor in self._places:
            return Moved(self.index - index)
        lost, self.cursor = self.cursor, self._heir(before, index)
        return Moved(self.index - index if self.cursor else 0, lost)

    def _heir(self, before: list[Row], index: int) -> str | None:
        """The next old row that is still shown, else the nearest one before it."""
        for row in before[index + 1 :]:
            if row.key in self._places:
                return row.key
        for row in reversed(before[:index]):
            if row.key in self._places:
                return row.key
        return self.shown[0].key if self.shown else None

    def _found(self) -> Iterable[Row]:
        words = self.filter.lower().split()
        if not words:
            return self._rows
        return [row for row in self._rows if all(word in self._text(row) for word in words)]

    def _text(self, row: Row) -> str:
        known = self._words.get(row.key)
        if known is None or known[0] is not row:
            parts = (row.tool, row.summary.text, row.thread_id, row.graph_id or "")
            known = (row, " ".join((*parts, row.risk or "unrated", row.state, row.id)).lower())
            self._words[row.key] = known
        return known[1]

    def _sorted(self, rows: Iterable[Row]) -> list[Row]:
        match self.order:
            case Order.NEWEST:
                return list(rows)
            case Order.OLDEST:
                return list(rows)[::-1]
            case Order.RISKIEST:
                return sorted(rows, key=_rank)


def _rank(row: Row) -> int:
    return _RISK_RANK.get(row.risk, _RISK_RANK[None])
