"""Two people must approve, and a held decision is taken back, while others press at once.

python -m tests.figures.votes [--n ROUNDS] races for so many Reviews of each kind.
"""

from __future__ import annotations

import random
import time
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitloop_tui.attach.acts import act
from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Kind, Review, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.hold import Hold
from tests.figures.arena import Arena, Score, main
from tests.figures.contest import contest, said
from tests.figures.linearizability import Call, linearizable

ROUND = 10
HOLD_S = 0.3
SPREAD_S = 0.06
"""Between two calls of one person: a round takes about as long as two holds."""
APPLY_S = 300.0
VERBS = {"approve": Kind.APPROVE, "reject": Kind.REJECT}


@dataclass(frozen=True, slots=True)
class Voter:
    """`verbs` in turn, one for each Review."""

    name: str
    verbs: tuple[str, ...]
    pause_s: float = 0.0

    def go(self, session: Session, shown: list[Review], number: int) -> Iterator[tuple[str, Call]]:
        session.inbox.hold = Hold(HOLD_S, HOLD_S, HOLD_S) if self.pause_s else session.inbox.hold
        person = Person(self.name, {})
        for at, review in enumerate(shown):
            time.sleep(random.uniform(0, 2 * self.pause_s))
            verb = self.verbs[(number * len(shown) + at) % len(self.verbs)]
            began = time.monotonic()
            outcome = self._do(session, review, verb, person)
            yield review.id, Call(person.decided_by, began, time.monotonic(), verb, said(outcome))

    def _do(self, session: Session, review: Review, verb: str, person: Person) -> Outcome:
        if verb == "undo":
            return act(session.inbox, review, Act.UNDO, person)
        return decide(session.inbox, review, {0: Verdict(VERBS[verb])}, person)


def figure(folder: Path, n: int, score: Score) -> None:
    votes(Arena(folder / "votes", "quorum"), n, score)
    undos(Arena(folder / "undos", "gate"), n, score)


def votes(arena: Arena, n: int, score: Score) -> None:
    """Ann sits at two consoles; every third Review, somebody says no."""
    approve = ("approve",)
    people = [Voter("ann", approve), Voter("Ann ", approve), Voter("bob", approve)]
    people += [
        Voter("cy", ("approve", "approve", "reject")),
        Voter("dan", ("reject", *approve * 4)),
    ]
    reviews = arena.ask(n)
    with arena.worker():
        calls = contest(arena, people, [r.thread_id for r in reviews], ROUND)
        late = arena.applied([r.key for r in reviews], APPLY_S)
    found, ran = arena.records(), arena.effects()
    score.say("5 votes at once, two must approve, one person votes twice")
    alone, odd = [], []
    for review in reviews:
        approvals = {
            name.strip().lower() for name in found[review.key].answer.get("approved_by", [])
        }
        approved = found[review.key].answer["approved"]
        if approved and len(approvals) < 2:
            alone.append(review.id)
        if ran[review.thread_id] != approved:
            odd.append(review.id)
    score.add("  approved by fewer than two", alone, n)
    score.add("  tool ran other than decided", odd, n)
    score.add("  not applied", late, n)
    torn = [id_ for id_, of in calls.items() if not linearizable(of, ((), None), quorum_of_two)]
    score.add("  histories that no order explains", torn, n)
    score.add("  faults in the ledger's chain", arena.faults(), n)


def quorum_of_two(state: Any, call: Call) -> Iterable[Hashable]:
    """Who approved so far, and who made it a decision."""
    approved, over = state
    who = call.by.strip().lower()
    if over is not None:
        return [state] if call.said == over else []
    if who in approved:
        return [state] if call.said != "recorded" else []
    if call.said != "recorded":
        return []
    approved = (*approved, who) if call.did == "approve" else approved
    decided = call.did == "reject" or len(approved) == 2
    return [(approved, call.by if decided else None)]


def undos(arena: Arena, n: int, score: Score) -> None:
    """Decisions held for 0.3 s, two people who take them back, and a worker that waits."""
    people = [Voter("ann", ("approve",), SPREAD_S), Voter("bob", ("approve",), SPREAD_S)]
    people += [Voter(name, ("undo",), SPREAD_S) for name in ("cy", "dan")]
    reviews = arena.ask(n)
    with arena.worker():
        calls = contest(arena, people, [r.thread_id for r in reviews], ROUND)
        standing = {r.key: r.thread_id for r in reviews if r.key in arena.records()}
        late = arena.applied(standing, APPLY_S)
    taken_back = [c for of in calls.values() for c in of if (c.did, c.said) == ("undo", "recorded")]
    score.say(f"undo against a worker: {len(taken_back)} taken back, {len(standing)} stand")
    rows = arena.session.ledger.file.rows(
        "SELECT seq FROM attempts WHERE seq IN (SELECT seq FROM withdrawals)"
    )
    score.add("  taken back and yet attempted", len(rows), n)
    ran = arena.effects()
    wrong = [r.id for r in reviews if ran[r.thread_id] != (r.key in standing)]
    score.add("  tool ran other than what stands", wrong, n)
    score.add("  not applied", late, n)
    torn = [id_ for id_, of in calls.items() if not linearizable(of, None, erasable)]
    score.add("  histories that no order explains", torn, n)
    score.add("  faults in the ledger's chain", arena.faults(), n)


def erasable(winner: Hashable, call: Call) -> Iterable[Hashable]:
    """A register that keeps its value until it is taken back.

    Any undo may be too late, and a decision may meet another one that is taken back while it looks.
    """
    match call.did, call.said:
        case "undo", "recorded":
            return [] if winner is None else [None]
        case ("undo", _) | (_, "stale"):
            return [winner]
        case _, "recorded":
            return [call.by] if winner is None else []
    return [winner] if winner is not None and call.said == winner else []


if __name__ == "__main__":
    main(__doc__ or "", 200, figure)
