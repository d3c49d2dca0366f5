"""Where a Review stands, in plain sentences: its state, what can be done, who looks, how long.

Pure. What changes as time passes is a part of its own, so that little is drawn again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hitloop_tui.attach.review import Act, OnDeadline, Review, State
from hitloop_tui.attach.shapes import stored_request
from hitloop_tui.core.people import same_person
from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import ACCENT, BAD, KEY, MUTED, STRONG, WARN
from hitloop_tui.tui.countdown import URGENT_S, due_in, held_for, left, time_of_day
from hitloop_tui.tui.glyphs import G, bold, state_sign
from hitloop_tui.tui.keymap import DISPLAY
from hitloop_tui.tui.naming import name, names
from hitloop_tui.tui.widgets.rows import GAP, Line, Part, line, own
from hitloop_tui.tui.widgets.values import INDENT, QUOTED, TOLD, counted, marked, named

NAME_CELLS = 60
"""Cells of somebody's name."""
ACT_CELLS = 8
"""Cells of the widest act."""
MAX_DETAIL = 2000
"""Characters of an error that the card shows."""

CONSEQUENCES = {
    Act.UNDO: "take it back, and decide anew",
    Act.RETRY: "may run the tool a second time",
    Act.CLEAR: "take the answer away, decide anew",
    Act.DONE: "it ran; leave the thread alone",
    Act.DISMISS: "hide it; it stays on record",
}
_ELSE = {
    OnDeadline.REJECT: "then it is rejected",
    OnDeadline.ESCALATE: "then others are asked, too",
    OnDeadline.LEAVE: "then it is late",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """What the words depend on besides the Review."""

    now: float = 0.0
    """Seconds since the epoch."""
    me: str = ""
    """`decided_by` of the person at this console."""
    workers: int | None = None
    """Workers alive; None before it is known."""


def status_lines(review: Review, viewer: Viewer) -> Iterator[Line]:
    if review.state is State.PENDING:
        yield from _due(review, viewer)
    else:
        yield from _state(review, viewer)
    if review.undecided:
        yield from _quorum(review, viewer)
        yield from _claim(review, viewer)


def _state(review: Review, viewer: Viewer) -> Iterator[Line]:
    sign = bold(state_sign(review.state))
    word: Part = (own(f"{sign.glyph} {sign.word}"), sign.style)
    at = own(f" at {time_of_day(review.decided_at)}" if review.decided_at else ""), MUTED
    if review.decided_by:
        by = named(review.decided_by, NAME_CELLS)
        yield Line((*by, at), (TOLD,), (word, (own(" by "), MUTED)))
    else:
        yield line(word, at)
    if sentence := _sentence(review, viewer):
        yield Line(sentence, (INDENT,))
    if review.detail:
        style = BAD if review.state is State.FAILED else MUTED
        yield Line(_shortened(review.detail, style), (QUOTED,))
    for act in review.acts:
        key = (own(f"{DISPLAY[act.value]}{GAP}"), KEY)
        word = (own(act.value.ljust(ACT_CELLS)), STRONG)
        yield line(INDENT, key, word, (own(CONSEQUENCES[act]), MUTED), hang=5 + ACT_CELLS)


def _sentence(review: Review, viewer: Viewer) -> tuple[Part, ...]:
    """What the state means; nothing where the detail says it all."""
    match review.state:
        case State.HELD:
            seconds = own(left(held_for(review)))
            return (seconds, STRONG), _told(" until a worker gets it.")
        case State.DECIDED:
            return (_told(_waiting(review, viewer)),)
        case State.APPLYING:
            return (_told("The thread goes on with it right now; the trace shows how."),)
        case State.APPLIED:
            return (_told("The thread went on with it."),)
        case State.FAILED if review.acts:
            return (_told("It was not carried out to the end:"),)
        case State.UNCERTAIN if review.acts:
            return (own("Did the tool run?"), WARN), _told(" Look where it would show, then say.")
        case State.STALE if review.decided_by:
            return (_told("It was not applied, and will not be:"),)
    return ()


def _waiting(review: Review, viewer: Viewer) -> str:
    if review.reading.shape == stored_request.NAME:
        return "Recorded; who asked has not been told yet."
    if viewer.workers == 0:
        return "Recorded. It waits: no worker is alive; hitloop-tui worker starts one."
    return "Recorded; it waits for a worker to apply it."


def _due(review: Review, viewer: Viewer) -> Iterator[Line]:
    seconds = due_in(review, viewer.now)
    if seconds is not None:
        style = WARN if seconds < URGENT_S else MUTED
        after = (own(f", {_ELSE[review.reading.on_deadline]}"), MUTED)
        yield line((own("due in "), style), (own(left(seconds)), style), after)


def _quorum(review: Review, viewer: Viewer) -> Iterator[Line]:
    people = review.reading.quorum
    if people < 2:
        return
    approved = tuple(dict.fromkeys(review.approved_by))
    needed: Part = (own(f"needs {people} people: "), ACCENT)
    if approved:
        more = max(people - len(approved), 1)
        told = Safe(f"{names(approved, viewer.me)} approved, {more} more")
        yield Line(((told, STRONG),), (TOLD,), (needed,))
    else:
        yield line(needed, (own("nobody has approved yet"), MUTED), hang=2)


def _claim(review: Review, viewer: Viewer) -> Iterator[Line]:
    if review.claim is None:
        return
    mine = same_person(review.claim.by, viewer.me)
    eye: Part = (own(f"{G.looking} "), ACCENT)
    if mine:
        ends = (own(f"{GAP}{DISPLAY['watch']}"), KEY), (own(" stops that"), MUTED)
        yield line(eye, (own("you are looking at it"), ACCENT), *ends, hang=2)
    else:
        told = Safe(f"{name(review.claim.by)} is looking at it"), ACCENT
        yield Line((told,), (TOLD,), (eye,))


def _shortened(detail: str, style: str) -> tuple[Part, ...]:
    """An error may be as long as an agent's tool likes."""
    more = len(detail) - MAX_DETAIL
    cut = ((own(f"{G.ellipsis}+{counted(more, 'character')}"), WARN),) if more > 0 else ()
    return *marked(detail[:MAX_DETAIL], style), *cut


def _told(words: str) -> Part:
    return own(words), ""
