"""What a person can do about a Review besides a verdict: the one way for console and command line.

DESIGN section 5 says which state allows what.
"""

from __future__ import annotations

from hitloop_tui.attach import orders
from hitloop_tui.attach.decide import Outcome
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
        return Outcome(shown.id, "stale", detail="this Review is no longer open")
    if what not in current.acts:
        return Outcome(shown.id, "stale", detail=_impossible(current, what))
    try:
        if what is Act.UNDO:
            orders.undo(inbox.ledger, current, person)
        else:
            orders.order(inbox.ledger, current, what, person)
    except Conflict as conflict:
        return Outcome(shown.id, "stale", detail=str(conflict))
    return Outcome(shown.id, "recorded", person.decided_by, detail=_DONE[what])


def _impossible(review: Review, what: Act) -> str:
    possible = ", ".join(each.value for each in review.acts) or "nothing"
    detail = f" ({review.detail})" if review.detail else ""
    return f"{what.value} is not possible: it is {review.state.value}{detail}; possible: {possible}"
