"""The titles of the panes."""

from __future__ import annotations

from textual.content import Content

from hitloop_tui.attach.review import Review
from hitloop_tui.safetext import safe
from hitloop_tui.tui.content import ACCENT, FAINT, MUTED, line, own, text
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.state import InboxState


def inbox(state: InboxState) -> Content:
    return line(own("Inbox"), own(f" {G.dot} {state.order.value}", FAINT))


def inbox_below(state: InboxState) -> Content:
    """The filter and what it leaves, or how much there is."""
    if state.filter:
        count = own(f" {len(state.shown)} of {state.total}", MUTED)
        return line(text(safe(f"/{state.filter}"), ACCENT), count)
    return own(f"{state.total}" if state.total else "", FAINT)


def card(review: Review | None, index: int) -> Content:
    if review is None or len(review.actions) < 2:
        return own("Review")
    done = len(review.verdicts) if review.verdicts else 0
    decided = f", {done} decided" if done else ""
    return line(
        own("Review"), own(f" {G.dot} Action {index + 1} of {len(review.actions)}{decided}", FAINT)
    )


def trace(thread_id: str | None, *, following: bool) -> Content:
    which = text(safe(thread_id), MUTED) if thread_id is not None else own("all threads", FAINT)
    held = own("" if following else f" {G.dot} held", ACCENT)
    return line(own("Trace"), own(f" {G.dot} ", FAINT), which, held)
