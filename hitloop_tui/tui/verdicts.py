"""Why a verdict cannot be given now, and what to say when one was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from textual.content import Content

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.ledger_file import UNKNOWN
from hitloop_tui.attach.review import APPROVALS, Kind, Review, Verdict
from hitloop_tui.core.people import same_person
from hitloop_tui.core.plain_json import json_text
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import BAD, GOOD, MUTED, STRONG, WARN, ago, line, own, text
from hitloop_tui.tui.countdown import time_of_day
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.naming import name
from hitloop_tui.tui.widgets.values import word

PAST = {
    Kind.APPROVE: "approved",
    Kind.EDIT: "approved with edits",
    Kind.REJECT: "rejected",
    Kind.RESPOND: "answered",
    Kind.IGNORE: "ignored",
}


def why_not(review: Review | None, index: int, kind: Kind, me: str) -> str | None:
    """Why `me` cannot give this verdict on the Action in view; None when that is possible."""
    if review is None:
        return "there is no Review on the card"
    if not review.undecided:
        return _not_undecided(review)
    if index in review.verdicts:
        return f"Action {index + 1} is {PAST[review.verdicts[index].kind]} already"
    if not review.actions:
        return "the question cannot be read: answer it where it was asked"
    if kind not in review.actions[index].allowed:
        allowed = ", ".join(kind.value for kind in review.actions[index].allowed) or "nothing"
        return f"this question does not allow {kind.value}; it allows {allowed}"
    return _said_before(review, kind, me)


def _said_before(review: Review, kind: Kind, me: str) -> str | None:
    """Where several people must approve, each has one word."""
    if review.reading.quorum < 2:
        return None
    known = len(review.reading.approvals)
    here = any(same_person(who, me) for who in review.approved_by[known:])
    elsewhere = any(same_person(who, me) for who in review.approved_by[:known])
    if here or (elsewhere and kind in APPROVALS):
        return "you approved this already: it needs another person"
    return None


def whole(review: Review, verdict: Verdict) -> dict[int, Verdict] | None:
    """The verdict on every Action that has none yet; None where it is not allowed."""
    still_open = [n for n in range(len(review.actions)) if n not in review.verdicts]
    if not review.undecided or not still_open:
        return None
    if any(verdict.kind not in review.actions[n].allowed for n in still_open):
        return None
    return dict.fromkeys(still_open, verdict)


def said(outcome: Outcome, review: Review, index: int, kind: Kind) -> Content:
    """One line about what became of a verdict on one Action."""
    tool = text(word(review.actions[index].tool_name), STRONG)
    of = line(tool, own("  "), text(word(review.thread_id), MUTED))
    detail = text(safe(outcome.detail), MUTED)
    match outcome.outcome:
        case "recorded":
            done = own(f"{G.mark} {PAST[kind]} ", GOOD)
            return line(done, of, own("  "), detail)
        case "already_decided":
            who = own(f"{G.warning} already decided by ", WARN)
            by = text(word(outcome.decided_by or "somebody"), STRONG)
            return line(who, by, own(f" {when(outcome.decided_at)}  ", WARN), of)
        case "stale":
            return line(own(f"{G.warning} not recorded: ", WARN), detail, own("  "), of)
        case "invalid":
            return line(own(f"{G.failed} refused: ", BAD), detail, own("  "), of)
        case "failed":
            what = "unknown" if UNKNOWN in outcome.detail else "nothing was recorded"
            return line(own(f"{G.failed} {what}: ", BAD), detail, own("  "), of)


def said_of_many(outcomes: Sequence[Outcome]) -> Content:
    """One line about what became of several decisions."""
    counts = Counter(outcome.outcome for outcome in outcomes)
    words = [f"{count} {what.replace('_', ' ')}" for what, count in counts.items()]
    style = GOOD if counts["recorded"] == len(outcomes) else WARN
    why = next((f": {outcome.detail}" for outcome in outcomes if outcome.outcome == "failed"), "")
    return line(own(", ".join(words), style), text(safe(why), MUTED))


def news(shown: Review, now: Review, me: str) -> Safe | None:
    """What has happened to a Review since it was shown; None for nothing that matters."""
    if now.state is not shown.state and now.decided_by and not shown.decided_by:
        by = name(now.decided_by)
        at = f" at {time_of_day(now.decided_at)}" if now.decided_at else ""
        return Safe(f"{by} decided this{at}: a second answer is refused")
    if now.state is not shown.state:
        return safe(f"it is {now.state.value} by now" + (f": {now.detail}" if now.detail else ""))
    if decided := sorted(now.verdicts.keys() - shown.verdicts.keys()):
        past = PAST[now.verdicts[decided[0]].kind]
        return Safe(f"Action {decided[0] + 1} was {past} meanwhile")
    if len(now.approved_by) > len(shown.approved_by):
        return Safe(f"{name(now.approved_by[-1])} approved it meanwhile")
    if now.claim is not None and not same_person(now.claim.by, me):
        return Safe(f"{name(now.claim.by)} is looking at it, too")
    return None


def clipping(review: Review, index: int, what: str) -> str:
    """What `y` (the id) and `Y` (the arguments) copy; ASCII, so that a paste runs no escapes."""
    if what == "args" and review.actions:
        return json_text(review.actions[index].tool_args).replace("\x7f", "\\u007f")
    return review.id


def when(at: str | None) -> str:
    """How long ago an ISO time was, in words."""
    if at is None:
        return "before"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()
    return f"{max(int(seconds), 0)} s ago" if seconds < 60 else f"{ago(seconds)} ago"


def _not_undecided(review: Review) -> str:
    who = f" by {review.decided_by} {when(review.decided_at)}" if review.decided_by else ""
    detail = f": {review.detail}" if review.detail else ""
    return f"this Review is {review.state.value}{who}{detail}"
