"""Ledgers with something in every table, written the way the console and workers write."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hitloop_tui.attach import journal, orders
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_clock import now
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recorded import with_record
from hitloop_tui.attach.review import (
    Act,
    Identity,
    Kind,
    Question,
    Reading,
    Review,
    ReviewAction,
    Verdict,
)

ANN, BOB = Person("ann", {"uid": 1}), Person("bob", {"uid": 2})


def review(thread: str, quorum: int = 1, text: str = "x") -> Review:
    identity = Identity(thread, "", "c", "task", "0" * 32, 0)
    question = Question(identity, {}, None, "d" * 64, datetime(2026, 1, 1, tzinfo=UTC))
    action = ReviewAction("tool", {"text": text}, allowed=tuple(Kind))
    return Review(question, Reading("free_form", (action,), quorum=quorum))


def shown(ledger: Ledger, asked: Review) -> Review:
    """The Review as the inbox would show it."""
    return with_record(asked, ledger.of_keys([asked.key])[asked.key])


def attempt(ledger: Ledger, thread: str, outcome: str | None) -> None:
    leases = Leases(ledger.file, ["g"])
    leases.register()
    [lease] = leases.take(thread)
    if outcome:
        leases.finish(lease, outcome, "because")
    leases.retire()


def decided(ledger: Ledger, thread: str, hold_s: float = 0.0, text: str = "x") -> Review:
    asked = review(thread, text=text)
    verdict = {0: Verdict(Kind.REJECT, reason=text)}
    assert ledger.record(asked, verdict, {"said": text}, ANN, hold_s=hold_s) is None
    return asked


def full(path: Path) -> Ledger:
    """Decisions, votes, attempts, orders, withdrawals and an escalation."""
    ledger = Ledger(LedgerFile(path))
    for person in (BOB, ANN):
        undone = decided(ledger, "undone", hold_s=60)
        orders.undo(ledger, shown(ledger, undone), person)
    decided(ledger, "undone")
    attempt(ledger, "undone", "applied")
    for thread, outcome, act in (
        ("again", "failed", Act.RETRY),
        ("cleared", "failed", Act.CLEAR),
        ("done", "uncertain", Act.DONE),
        ("over", "stale", Act.DISMISS),
    ):
        asked = decided(ledger, thread)
        attempt(ledger, thread, outcome)
        orders.order(ledger, shown(ledger, asked), act, BOB)
    attempt(ledger, "again", "applied")
    several = review("several", quorum=2)
    for person in (ANN, BOB):
        ledger.record_part(several, {0: Verdict(Kind.APPROVE)}, person, lambda _b: {"yes": 1})
    decided(ledger, "open")
    attempt(ledger, "open", None)
    decided(ledger, "waiting")
    with ledger.file.transaction() as connection:
        for thread in ("late", "later"):
            late = "INSERT INTO escalations (key, at) VALUES (?,?)"
            cursor = connection.execute(late, (review(thread).key, now()))
            assert cursor.lastrowid is not None
            journal.seal(connection, "escalation", cursor.lastrowid)
    return ledger
