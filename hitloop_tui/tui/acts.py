"""What undo, retry, clear, done and dismiss mean, and what to say when one was done."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.review import Act, Review
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import BAD, GOOD, MUTED, STRONG, WARN, line, own, text
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.naming import name
from hitloop_tui.tui.verdicts import when
from hitloop_tui.tui.widgets.values import word

ASKED = {
    Act.RETRY: ("A worker resumes the thread again.", "The tool may run a second time."),
    Act.CLEAR: (
        "A worker takes the stored answer away, and the question is asked anew.",
        "If the tool has run already, a new approval runs it a second time.",
    ),
    Act.DONE: (
        "You say that the tool ran, and that nothing is left to do.",
        "The thread is not touched: it stays where it is.",
    ),
}
"""Acts that are confirmed first, with what they lead to."""
_PAST = {
    Act.UNDO: "taken back",
    Act.RETRY: "to be tried again",
    Act.CLEAR: "to be cleared",
    Act.DONE: "marked done",
    Act.DISMISS: "dismissed",
}


def why_not(review: Review | None, act: Act) -> str | None:
    """Why this cannot be done about a Review; None when it can."""
    if review is None:
        return "there is no Review on the card"
    if act in review.acts:
        return None
    possible = ", ".join(each.value for each in review.acts)
    instead = f"; possible: {possible}" if possible else ""
    return f"{act.value} is not possible: this Review is {review.state.value}{instead}"


def said(outcome: Outcome, review: Review, act: Act) -> Content:
    """One line about what became of it."""
    detail = text(safe(outcome.detail), MUTED)
    if outcome.outcome == "recorded":
        return line(own(f"{G.mark} {_PAST[act]} ", GOOD), _of(review), own("  "), detail)
    if outcome.outcome == "already_decided":
        by = text(name(outcome.decided_by or ""), STRONG)
        who = line(own(f"{G.warning} {_PAST[act]} already by ", WARN), by)
        return line(who, own(f" {when(outcome.decided_at)}  ", WARN), _of(review))
    style, glyph = (WARN, G.warning) if outcome.outcome == "stale" else (BAD, G.failed)
    return line(own(f"{glyph} no {act.value}: ", style), detail, own("  "), _of(review))


def undone(reviews: Sequence[Review], outcomes: Sequence[Outcome]) -> Content:
    """One line about an undo, which may be of several decisions at once."""
    if len(reviews) == 1:
        return said(outcomes[0], reviews[0], Act.UNDO)
    back = sum(outcome.outcome == "recorded" for outcome in outcomes)
    late = len(outcomes) - back
    words = f"{G.mark} {back} decisions taken back"
    return own(f"{words}, too late for {late}" if late else words, WARN if late else GOOD)


def tools(review: Review) -> Safe:
    return Safe(", ".join(word(action.tool_name) for action in review.actions) or "?")


def _of(review: Review) -> Content:
    tool = text(word(review.actions[0].tool_name if review.actions else "?"), STRONG)
    return line(tool, own("  "), text(word(review.thread_id), MUTED))
