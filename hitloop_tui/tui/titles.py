"""The titles of the panes."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from hitloop_tui.attach.review import Review, State
from hitloop_tui.safetext import safe
from hitloop_tui.tui.content import ACCENT, FAINT, KEY, MUTED, WARN, cut, line, own, sign, text
from hitloop_tui.tui.glyphs import G, state_sign
from hitloop_tui.tui.keymap import DISPLAY
from hitloop_tui.tui.seen import Share
from hitloop_tui.tui.state import InboxState
from hitloop_tui.tui.widgets.values import word

BORDER = 6
"""Cells of the corners and of the space around a title."""


def put(pane: Widget, title: Content) -> None:
    """Set a pane's title. Textual draws the whole pane again, so only when it reads differently."""
    title = cut(title, max(pane.outer_size.width - BORDER, 1))
    if not pane.styles.border_left[0]:  # between corners Textual pads a title by itself
        title = line(own(" "), title, own(" "))
    if pane.border_title != title.markup:
        pane.border_title = title


def inbox(state: InboxState) -> Content:
    """What a filter leaves, the filter, and the order, which is the first to go without room."""
    order = own(state.order.value, FAINT)
    if not state.filter:
        return line(own("Inbox"), *_dot(), order)
    count = own(f"{len(state.shown)} of {state.total}", ACCENT)
    words = text(safe(f"/{state.filter}"), ACCENT)
    return line(own("Inbox"), *_dot(), count, *_dot(), words, *_dot(), order)


def card(
    review: Review | None, index: int, share: Share | None = None, *, focused: bool = True
) -> Content:
    """The state, unless it is the usual one, which Action of several, and what was not seen yet."""
    parts: list[Content] = [own("Review")]
    if review is not None and review.state is not State.PENDING:
        parts += [*_dot(), sign(state_sign(review.state))]
    if review is not None and len(review.actions) > 1:
        done = len(review.verdicts) if review.undecided else 0
        decided = f", {done} decided" if done else ""
        parts += [*_dot(), own(f"Action {index + 1} of {len(review.actions)}{decided}", FAINT)]
    if review is not None and review.undecided and share is not None and share.rows:
        way = DISPLAY["read_on"] if focused else f"{DISPLAY['card_pane']} {DISPLAY['read_on']}"
        style = WARN if review.risk == "high" else MUTED
        parts += [*_dot(), own(f"{share.words} ", style), own(way, KEY)]
    return line(*parts)


def trace(thread_id: str | None, *, following: bool) -> Content:
    which = text(word(thread_id), MUTED) if thread_id is not None else own("all threads", FAINT)
    paused = [] if following else [*_dot(), own("paused", ACCENT)]
    return line(own("Trace"), *_dot(), which, *paused)


def _dot() -> tuple[Content, Content, Content]:
    return own(" "), own(G.dot, FAINT), own(" ")
