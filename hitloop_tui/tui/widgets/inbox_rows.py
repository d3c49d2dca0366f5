"""How one Review looks in the inbox: one line where the list is flat, two where it is narrow."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

from textual.content import Content

from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.review import State
from hitloop_tui.safetext import Safe, safe, safe_any
from hitloop_tui.tui import content
from hitloop_tui.tui.content import MUTED, STRONG, WARN, ago, cut, fitted, line, missing, own, text
from hitloop_tui.tui.countdown import SOON_S, URGENT_S, left
from hitloop_tui.tui.glyphs import RISK_WIDTH, G, risk_sign, state_sign
from hitloop_tui.tui.naming import names
from hitloop_tui.tui.widgets.values import machine

AGE = 5
"""Cells of the age column, with the space before it."""
ORIGIN = 22
"""Cells of agent and thread on a one-line row."""
STANDING = 14
"""Cells of a state beside which there is room for agent and thread."""
THREAD = 8
"""Cells that a thread id keeps beside a long tool name."""
NAME = 12
"""Cells of somebody's name."""
MAX_TOOL = 200
"""Characters of a tool's name that a row draws."""
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
    due: str = ""
    """The time that is left, where it is short."""
    urgent: bool = False
    looking: Safe | None = None
    """Who says that they are looking at it."""


def look_at(
    row: Row,
    me: str,
    width: int,
    lines: int,
    selected: bool,
    marked: bool,
) -> Look:
    """How a row looks at this moment to the person whose `decided_by` is `me`."""
    age, seconds = ago(time.time() - row.requested_at), due_of(row)
    due = left(seconds) if seconds < SOON_S else ""
    look = Look(width, age, lines, selected, marked, due, seconds < URGENT_S)
    if row.claimed_by is None or not row.undecided:
        return look
    return replace(look, looking=names([row.claimed_by], me))


def due_of(row: Row) -> float:
    """Seconds until the deadline of a pending row; infinite without one."""
    if row.deadline is None or row.state is not State.PENDING:
        return math.inf
    return row.deadline - time.time()


def draw(row: Row, look: Look) -> list[Content]:
    """The lines of a row, each exactly as wide as the list.

    Gaps take the style of what stands before them: a piece of another style costs 40 bytes a line.
    """
    drawn = _two_lines(row, look) if look.lines == 2 else [_one_line(row, look)]
    return [each.simplify() for each in drawn]


def _one_line(row: Row, look: Look) -> Content:
    sign = risk_sign(row.risk)
    risk = own(f"{sign.glyph} {sign.word}".ljust(RISK_WIDTH + 2), sign.style)
    head = line(_gutter(look), risk, _tool(row), _muted(safe(row.summary.text)))
    standing = _standing(row, look)
    room = look.width >= ROOM_FOR_ORIGIN and standing.cell_length <= STANDING
    origin = fitted(_origin(row), ORIGIN, MUTED) if room else _muted("")
    tail = line(_muted(" "), origin, standing, _muted(f"{look.age:>{AGE}} "))
    return line(_with_summary(head, row, look.width - tail.cell_length), tail)


def _two_lines(row: Row, look: Look) -> list[Content]:
    sign = risk_sign(row.risk)
    head = line(_gutter(look), own(f"{sign.glyph} ", sign.style), _tool(row))
    room = max(look.width - head.cell_length - AGE - 1, THREAD)
    thread = _muted(safe_any(row.thread_id))
    thread = fitted(thread, min(thread.cell_length, room), MUTED)
    tail = line(thread, _muted(f"{look.age:>{AGE}} "))
    word = own(sign.word.ljust(RISK_WIDTH), sign.style)
    below = line(_bar(look), own("    "), word)
    state = line(_standing(row, look), _muted(" "))
    room = look.width - below.cell_length - state.cell_length
    return [
        line(fitted(head, look.width - tail.cell_length - 1, STRONG), own(" ", STRONG), tail),
        line(below, _with_summary(_muted(safe(row.summary.text)), row, room), state),
    ]


def _gutter(look: Look) -> Content:
    return line(_bar(look), own(f"{G.mark} ", content.ACCENT) if look.marked else own("  "))


def _bar(look: Look) -> Content:
    return own(G.cursor, content.ACCENT) if look.selected else own(" ")


def _with_summary(content: Content, row: Row, width: int) -> Content:
    """Content that ends with the summary, in `width` cells."""
    _, hidden, counted = row.summary
    return fitted(content, width, MUTED, hidden, counted=counted)


def _tool(row: Row) -> Content:
    """The first tool, how many more Actions there are, and a mark where something is odd."""
    more = len(row.tool) - MAX_TOOL
    name = machine(row.tool[:MAX_TOOL], STRONG)
    cut = missing(more) if more > 0 else own("")
    others = own(f" +{row.actions - 1}" if row.actions > 1 else "", content.ACCENT)
    warning = own(f"{G.warning} ", WARN) if row.warnings else own("")
    return line(*name, cut, others, own(" ", STRONG), warning, own(" ", STRONG))


def _origin(row: Row) -> Content:
    agent = safe(f"{row.graph_id} {G.dot} " if row.graph_id else "")
    return line(_muted(agent), _muted(safe_any(row.thread_id)))


def _standing(row: Row, look: Look) -> Content:
    """How long there is, who looks, where it stands: nothing for most rows."""
    parts = []
    if look.due:
        parts.append(own(f" due {look.due}", WARN if look.urgent else MUTED))
    if look.looking:
        looking = text(look.looking, content.ACCENT)
        who = cut(looking, NAME)
        verb = " looking" if who is looking else ""
        parts += [own(f" {G.looking} ", content.ACCENT), who, own(verb, content.ACCENT)]
    if row.state is not State.PENDING:
        sign = state_sign(row.state)
        parts.append(own(f" {sign.glyph} {sign.word}", sign.style))
    return line(*parts)


def _muted(words: str) -> Content:
    """Safe text, or our own."""
    return own(words, MUTED)
