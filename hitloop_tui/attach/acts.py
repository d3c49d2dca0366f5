"""What a person can do about a Review besides a verdict: the one way for console and command line.

DESIGN section 5 says which state allows what.
"""

from __future__ import annotations

from hitloop_tui.attach import orders
from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.history import BY_PEOPLE, Past, history
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Review
from hitloop_tui.errors import Conflict

_DONE = {
    Act.UNDO: "taken back: the question is open again",
    Act.RETRY: "a worker will try again",
    Act.CLEAR: "a worker will clear the stored answer; then the question is open again",
    Act.DONE: "marked done; the thread was not touched",
    Act.DISMISS: "dismissed: the decision stays in the ledger, marked as not applied",
}


def act(inbox: Inbox, shown: Review, what: Act, person: Person) -> Outcome:
    """Do it, when the Review still is in the state the person saw."""
    inbox.read_ledger()
    current = next((r for r in inbox.thread_reviews(shown.thread_id) if r.key == shown.key), None)
    if current is None:
        return _too_late(inbox, shown, what, f"it is {shown.state.value}, and no longer open")
    if what not in current.acts:
        return _too_late(inbox, shown, what, _impossible(current, what))
    try:
        if what is Act.UNDO:
            orders.undo(inbox.ledger, current, person)
        else:
            asked = inbox.source.thread_questions(shown.thread_id)
            reopen = what is Act.DISMISS and any(q.identity.key == shown.key for q in asked)
            orders.order(inbox.ledger, current, what, person, reopen=reopen)
    except Conflict as conflict:
        return _too_late(inbox, shown, what, str(conflict))
    done = _last(inbox, shown.key, what)
    return Outcome(
        shown.id, "recorded", person.decided_by, None if done is None else done.at, _DONE[what]
    )


def _too_late(inbox: Inbox, shown: Review, what: Act, detail: str) -> Outcome:
    """Somebody did the same before, or something else has happened."""
    before = _last(inbox, shown.key, what)
    if before is None:
        return Outcome(shown.id, "stale", detail=detail)
    return Outcome(shown.id, "already_decided", before.by, before.at, detail)


def _last(inbox: Inbox, key: str, what: Act) -> Past | None:
    """The last thing a person did about a Review, if it is this."""
    done = [past for past in history(inbox.ledger.file, key) if past.what in BY_PEOPLE]
    return done[-1] if done and done[-1].what == what.value else None


def _impossible(review: Review, what: Act) -> str:
    possible = ", ".join(each.value for each in review.acts) or "nothing"
    detail = f" ({review.detail})" if review.detail else ""
    return f"{what.value} is not possible: it is {review.state.value}{detail}; possible: {possible}"
