"""How one Review looks in the inbox: one line where the list is flat, two where it is narrow."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.review import State
from hitloop_tui.safetext import safe, safe_any
from hitloop_tui.tui import content
from hitloop_tui.tui.content import MUTED, STRONG, WARN, fitted, line, own, text
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
    """The lines of a row, each exactly as wide as the list.

    Gaps take the style of what stands before them: a piece of another style costs 40 bytes a line.
    """
    drawn = _two_lines(row, look) if look.lines == 2 else [_one_line(row, look)]
    return [each.simplify() for each in drawn]


def _one_line(row: Row, look: Look) -> Content:
    sign = risk_sign(row.risk)
    risk = own(f"{sign.glyph} {sign.word}".ljust(RISK_WIDTH + 2), sign.style)
    head = line(_gutter(look), risk, _tool(row), _muted(safe(row.summary)))
    origin = fitted(_origin(row), ORIGIN, MUTED) if look.width >= ROOM_FOR_ORIGIN else _muted("")
    tail = line(_muted(" "), origin, _state(row), _muted(f"{look.age:>{AGE}} "))
    return line(fitted(head, look.width - tail.cell_length, MUTED), tail)


def _two_lines(row: Row, look: Look) -> list[Content]:
    sign = risk_sign(row.risk)
    head = line(_gutter(look), own(f"{sign.glyph} ", sign.style), _tool(row))
    room = max(look.width - head.cell_length - AGE - 1, THREAD)
    thread = _muted(safe_any(row.thread_id))
    thread = fitted(thread, min(thread.cell_length, room), MUTED)
    tail = line(thread, _muted(f"{look.age:>{AGE}} "))
    word = own(sign.word.ljust(RISK_WIDTH), sign.style)
    below = line(_bar(look), own("    "), word, _muted(safe(row.summary)))
    state = line(_state(row), _muted(" "))
    return [
        line(fitted(head, look.width - tail.cell_length - 1, STRONG), own(" ", STRONG), tail),
        line(fitted(below, look.width - state.cell_length, MUTED), state),
    ]


def _gutter(look: Look) -> Content:
    return line(_bar(look), own(f"{G.mark} ", content.ACCENT) if look.marked else own("  "))


def _bar(look: Look) -> Content:
    return own(G.cursor, content.ACCENT) if look.selected else own(" ")


def _tool(row: Row) -> Content:
    warning = own(f"{G.warning} ", WARN) if row.warnings else own("")
    return line(text(safe(row.tool), STRONG), own(" ", STRONG), warning, own(" ", STRONG))


def _origin(row: Row) -> Content:
    agent = safe(f"{row.graph_id} {G.dot} " if row.graph_id else "")
    return line(_muted(agent), _muted(safe_any(row.thread_id)))


def _state(row: Row) -> Content:
    if row.state is State.PENDING:
        return own("")
    sign = state_sign(row.state)
    return own(f" {sign.glyph} {sign.word}", sign.style)


def _muted(words: str) -> Content:
    """Safe text, or our own."""
    return own(words, MUTED)
