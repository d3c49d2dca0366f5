"""Reviews that no graph has asked, decided and attempted straight in a ledger."""

from __future__ import annotations

from datetime import UTC, datetime

from hitloop_tui.attach import journal
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recording import FirstAnswer
from hitloop_tui.attach.review import (
    Identity,
    Kind,
    Question,
    Reading,
    Review,
    ReviewAction,
    Verdict,
)

APPROVE, REJECT = Verdict(Kind.APPROVE), Verdict(Kind.REJECT, reason="no")


def review(name: str = "t", actions: int = 1, quorum: int = 1, digest: str = "digest") -> Review:
    identity = Identity(name, "", "c", "task", "0" * 32, 0)
    question = Question(identity, {}, None, digest, datetime(2026, 1, 1, tzinfo=UTC))
    action = ReviewAction("tool", {"x": 1}, allowed=tuple(Kind))
    return Review(question, Reading("free_form", (action,) * actions, quorum=quorum))


def person(name: str) -> Person:
    return Person(name, {"uid": 0})


def decide(ledger: Ledger, name: str, who: str, verdict: Verdict = APPROVE) -> FirstAnswer | None:
    return ledger.record(review(name), {0: verdict}, {"by": who}, person(who))


def part(ledger: Ledger, verdicts: dict[int, Verdict], who: str) -> FirstAnswer | int:
    return ledger.record_part(
        review("b", 3), verdicts, person(who), lambda ballot: list(ballot.known)
    )


def worker(ledger: Ledger) -> Leases:
    """What a living worker takes decisions with."""
    leases = Leases(ledger.file, ["g"])
    leases.register()
    return leases


def attempt(ledger: Ledger, outcome: str) -> None:
    """A worker takes the decision on `t` and says how it went."""
    leases = worker(ledger)
    [lease] = leases.take("t")
    leases.finish(lease, outcome, "because")


def faults(ledger: Ledger) -> list[str]:
    """What the audit says about it."""
    with ledger.file.transaction() as connection:
        return [fault.text for fault in journal.verify(connection)]
