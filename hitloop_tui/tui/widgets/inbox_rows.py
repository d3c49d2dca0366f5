"""How one Review looks in the inbox: one line where the list is flat, two where it is narrow."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.review import State
from hitloop_tui.safetext import safe, safe_any
from hitloop_tui.tui import content
from hitloop_tui.tui.content import FAINT, MUTED, STRONG, WARN, fitted, line, own, text
from hitloop_tui.tui.glyphs import RISK_WIDTH, G, risk_sign, state_sign

AGE = 5
"""Cells of the age column, with the space before it."""
ORIGIN = 22
"""Cells of agent and thread on a one-line row."""
THREAD = 8
"""Cells that a thread id keeps beside a long tool name."""
ROOM_FOR_ORIGIN = 72
"""From this width on a one-line row says where it comes from."""


@dataclass(frozen=True, slots=True)
class Look:
    """Everything but the row itself that changes how it is drawn."""

    width: int
    age: str
    lines: int
    selected: bool = False
    marked: bool = False


def draw(row: Row, look: Look) -> list[Content]:
    """The lines of a row, each exactly as wide as the list."""
    return _two_lines(row, look) if look.lines == 2 else [_one_line(row, look)]


def _one_line(row: Row, look: Look) -> Content:
    origin = _origin(row) if look.width >= ROOM_FOR_ORIGIN else Content("")
    tail = _tail(row, look, line(fitted(origin, ORIGIN)) if origin else origin)
    risk = content.sign(risk_sign(row.risk), RISK_WIDTH)
    head = line(_gutter(look), risk, own("  "), _subject(row))
    return line(fitted(head, look.width - tail.cell_length), tail)


def _two_lines(row: Row, look: Look) -> list[Content]:
    risk = risk_sign(row.risk)
    age = _age(look)
    thread = text(safe_any(row.thread_id), MUTED)
    room = max(look.width - len(row.tool) - age.cell_length - 8, THREAD)
    tail = line(own(" "), fitted(thread, min(thread.cell_length, room)), age, own(" "))
    head = line(_gutter(look), own(risk.glyph, risk.style), own(" "), _tool(row))
    state = _state(row)
    word = own(risk.word, risk.style)
    gap = own(" " * (RISK_WIDTH - len(risk.word)))
    below = line(_bar(look), own("    "), word, gap, text(safe(row.summary), MUTED))
    return [
        line(fitted(head, look.width - tail.cell_length), tail),
        line(fitted(below, look.width - state.cell_length - 1), state, own(" ")),
    ]


def _gutter(look: Look) -> Content:
    mark = own(G.mark, content.ACCENT) if look.marked else own(" ")
    return line(_bar(look), mark, own(" "))


def _bar(look: Look) -> Content:
    return own(G.cursor, content.ACCENT) if look.selected else own(" ")


def _subject(row: Row) -> Content:
    return line(_tool(row), own("  "), text(safe(row.summary), MUTED))


def _tool(row: Row) -> Content:
    tool = text(safe(row.tool), STRONG)
    return line(tool, own(" "), own(G.warning, WARN)) if row.warnings else tool


def _origin(row: Row) -> Content:
    thread = text(safe_any(row.thread_id), MUTED)
    if not row.graph_id:
        return thread
    return line(text(safe(row.graph_id), MUTED), own(" "), own(G.dot, FAINT), own(" "), thread)


def _state(row: Row) -> Content:
    if row.state is State.PENDING:
        return Content("")
    return line(own(" "), content.sign(state_sign(row.state)))


def _tail(row: Row, look: Look, origin: Content) -> Content:
    state = _state(row) if look.lines == 1 else Content("")
    return line(own(" "), origin, state, _age(look), own(" "))


def _age(look: Look) -> Content:
    return line(own(" " * (AGE - len(look.age))), own(look.age, MUTED))
