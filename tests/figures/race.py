"""Deciders race for the same Reviews, by command line and by API, while two workers apply.

python -m tests.figures.race [--n REVIEWS] prints one line for 2, 4, 8 and 16 deciders.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from tests.figures.arena import ROOT, Arena, Score, main, processes
from tests.figures.linearizability import Call, linearizable, write_once

DECIDERS = (2, 4, 8, 16)
ROUND = 25
"""Reviews that all deciders go for at a time, and ids of one command."""
APPLY_S = 600.0
WAIT_S = 300.0
COMMAND_S = 0.3
"""What a command takes to start, for each decider on two cores."""

Calls = list[tuple[str, Call]]
"""With the Review's id."""


def figure(folder: Path, n: int, score: Score, counts: Sequence[int] = DECIDERS) -> None:
    for count in counts:
        race(Arena(folder / f"race{count}", "pay"), n, count, score)


def race(arena: Arena, n: int, count: int, score: Score) -> None:
    began = time.monotonic()
    reviews = arena.ask(n)
    threads = [review.thread_id for review in reviews]
    rounds = [threads[at : at + ROUND] for at in range(0, n, ROUND)]
    with ExitStack() as stack:
        workers = [stack.enter_context(arena.worker()) for _ in range(2)]
        calls = contest(arena, rounds, count)
        late = arena.applied([review.key for review in reviews], APPLY_S)
        assert [worker.poll() for worker in workers] == [None, None]
    by_review: dict[str, list[Call]] = defaultdict(list)
    for id_, call in calls:
        by_review[id_].append(call)
    winners = {id_: [c for c in of if c.said == "recorded"] for id_, of in by_review.items()}
    ran, records = arena.effects(), arena.records()
    wrong = [r.thread_id for r in reviews if ran[r.thread_id] != _approved(winners.get(r.id, []))]
    lost = [
        review.id
        for review in reviews
        if [c.by for c in winners.get(review.id, [])] != [records[review.key].decided_by]
    ]
    by_command = sum(call.by.startswith("human:cli") for of in winners.values() for call in of)
    contested = sum(_contested(of) for of in by_review.values())
    who = (
        f"{count} deciders, {len(calls)} calls, {by_command} won by command, {contested} contested"
    )
    score.add(f"{who}: winners other than one", [w for w in winners.values() if len(w) != 1], n)
    score.add("  recorded for one, told to another", lost, n)
    score.add("  tool runs more than once", [t for t in threads if ran[t] > 1], n)
    score.add("  tool runs other than the winner said", wrong, n)
    score.add("  recorded and not applied", late, n)
    torn = [id_ for id_, of in by_review.items() if not linearizable(of, None, write_once)]
    score.add("  histories that no order explains", torn, n)
    silent = [r.id for r in reviews if len(by_review[r.id]) != count]
    score.add("  Reviews without an answer to every decider", silent, n)
    took = time.monotonic() - began
    score.add(f"  faults in the ledger's chain ({took:.0f} s in all)", len(arena.faults()), n)


def _approved(won: Sequence[Call]) -> int:
    return sum(call.did == "approve" for call in won)


def _contested(calls: Sequence[Call]) -> bool:
    """Whether somebody's call overlapped the winner's."""
    [won] = [call for call in calls if call.said == "recorded"] or [calls[0]]
    return any(c is not won and c.began < won.ended and won.began < c.ended for c in calls)


@dataclass(frozen=True, slots=True)
class Decider:
    """One person at the database, in a process of their own."""

    db: Path
    env: dict[str, str]
    number: int
    of: int

    @property
    def how(self) -> str:
        return "api" if self.number % 2 else "cli"

    @property
    def name(self) -> str:
        return f"{self.how}{self.number}"

    @property
    def verb(self) -> str:
        return "approve" if self.number % 4 in (0, 3) else "reject"


def contest(arena: Arena, rounds: Sequence[Sequence[str]], count: int) -> Calls:
    """All deciders, round by round; every call they made."""
    barrier, said = processes.Barrier(count), processes.Queue()
    deciders = [Decider(arena.db, arena.env, number, count) for number in range(count)]
    people = [
        processes.Process(target=_take_part, args=(d, rounds, barrier, said)) for d in deciders
    ]
    for person in people:
        person.start()
    calls: Calls = []
    for _ in people:
        calls += said.get(timeout=3600)
    for person in people:
        person.join()
        assert person.exitcode == 0
    return calls


def _take_part(decider: Decider, rounds: Sequence[Sequence[str]], barrier: Any, said: Any) -> None:
    os.environ.update(decider.env)
    session = Session.open(decider.db)
    take = _by_api if decider.how == "api" else _by_command
    calls: Calls = []
    for number, threads in enumerate(rounds):
        shown = [session.inbox.thread_reviews(thread)[0] for thread in threads]
        # In turns: everybody after the same one at once, and commands with a chance against calls.
        head_on = number % 2 == 1
        if not head_on:
            random.shuffle(shown)
        barrier.wait(WAIT_S)
        calls += take(decider, session, shown, 0.0 if head_on else 2 * COMMAND_S * decider.of)
        barrier.wait(WAIT_S)
    said.put(calls)


def _by_api(
    decider: Decider, session: Session, shown: Sequence[Any], span: float
) -> Iterator[tuple[str, Call]]:
    """Spread over so many seconds."""
    person, verdict = Person(decider.name, {}), Verdict(Kind(decider.verb))
    for review in shown:
        time.sleep(random.uniform(0, 2 * span / len(shown)))
        began = time.monotonic()
        outcome = decide(session.inbox, review, {0: verdict}, person)
        yield review.id, _call(decider, began, outcome.to_json())


def _by_command(
    decider: Decider, session: Session, shown: Sequence[Any], span: float
) -> Iterator[tuple[str, Call]]:
    ids = [review.id for review in shown]
    words = [decider.verb, *ids, "--json", "--as", decider.name, "--db", str(decider.db)]
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "hitloop_tui", *words], cwd=ROOT, stdout=-1)
    for outcome in json.loads(done.stdout):
        yield outcome["id"], _call(decider, began, outcome)


def _call(decider: Decider, began: float, outcome: dict[str, Any]) -> Call:
    said = outcome["outcome"]
    if said == "already_decided":
        said = outcome["decided_by"]
    by = f"human:{decider.name}"
    return Call(by, began, time.monotonic(), decider.verb, said)


if __name__ == "__main__":
    main(__doc__ or "", 1000, figure)
