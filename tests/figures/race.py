"""Deciders race for the same Reviews, by command line and by API, while two workers apply.

python -m tests.figures.race [--n REVIEWS] does so with 2, 4, 8 and 16 deciders.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Review, Verdict
from hitloop_tui.attach.session import Session
from tests.figures.arena import ROOT, Arena, Score, main
from tests.figures.contest import contest, said
from tests.figures.linearizability import Call, linearizable, write_once

DECIDERS = (2, 4, 8, 16)
ROUND = 25
"""Reviews that all deciders go for at a time, and ids of one command."""
APPLY_S = 600.0
COMMAND_S = 0.3
"""What a command takes to start, for each decider on two cores."""


@dataclass(frozen=True, slots=True)
class Decider:
    """Every second one works by command, every second pair disagrees."""

    db: Path
    number: int
    of: int

    @property
    def by(self) -> str:
        return f"human:{self.name}"

    @property
    def name(self) -> str:
        return f"{'api' if self.number % 2 else 'cli'}{self.number}"

    @property
    def verb(self) -> str:
        return "approve" if self.number % 4 in (0, 3) else "reject"

    def go(self, session: Session, shown: list[Review], number: int) -> Iterator[tuple[str, Call]]:
        """In turns: everybody after the same one at once, and commands with a chance."""
        head_on = number % 2 == 1
        if not head_on:
            random.shuffle(shown)
        if self.number % 2 == 0:
            return self._by_command(shown)
        return self._by_api(session, shown, 0.0 if head_on else 2 * COMMAND_S * self.of)

    def _by_api(
        self, session: Session, shown: list[Review], span_s: float
    ) -> Iterator[tuple[str, Call]]:
        person, verdict = Person(self.name, {}), Verdict(Kind(self.verb))
        for review in shown:
            time.sleep(random.uniform(0, 2 * span_s / len(shown)))
            began = time.monotonic()
            outcome = decide(session.inbox, review, {0: verdict}, person)
            yield review.id, Call(self.by, began, time.monotonic(), self.verb, said(outcome))

    def _by_command(self, shown: list[Review]) -> Iterator[tuple[str, Call]]:
        words = [self.verb, *(review.id for review in shown), "--as", self.name, "--json"]
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "hitloop_tui", *words, "--db", str(self.db)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        ended = time.monotonic()
        for outcome in json.loads(done.stdout):
            answer = said(Outcome(**outcome))
            yield outcome["id"], Call(self.by, began, ended, self.verb, answer)


def figure(folder: Path, n: int, score: Score, counts: Sequence[int] = DECIDERS) -> None:
    for count in counts:
        race(Arena(folder / f"race{count}", "pay"), n, count, score)


def race(arena: Arena, n: int, count: int, score: Score) -> None:
    began = time.monotonic()
    reviews = arena.ask(n)
    threads = [review.thread_id for review in reviews]
    with ExitStack() as stack:
        workers = [stack.enter_context(arena.worker()) for _ in range(2)]
        deciders = [Decider(arena.db, number, count) for number in range(count)]
        calls = contest(arena, deciders, threads, ROUND)
        late = arena.applied([review.key for review in reviews], APPLY_S)
        assert [worker.poll() for worker in workers] == [None, None]
    won = {id_: [c for c in of if c.said == "recorded"] for id_, of in calls.items()}
    contested = sum(map(_contested, calls.values()))
    by_command = sum(call.by.startswith("human:cli") for of in won.values() for call in of)
    score.say(f"{count} deciders, two workers: {contested} contested, {by_command} won by command")
    score.add("  winners other than one", [r.id for r in reviews if len(won[r.id]) != 1], n)
    found, ran = arena.records(), arena.effects()
    lost = [r.id for r in reviews if [c.by for c in won[r.id]] != [found[r.key].decided_by]]
    score.add("  recorded for one, told to another", lost, n)
    score.add("  tool ran more than once", [t for t in threads if ran[t] > 1], n)
    approved = {r.thread_id: sum(c.did == "approve" for c in won[r.id]) for r in reviews}
    score.add("  tool ran other than decided", [t for t in threads if ran[t] != approved[t]], n)
    score.add("  recorded and not applied", late, n)
    torn = [id_ for id_, of in calls.items() if not linearizable(of, None, write_once)]
    score.add("  histories that no order explains", torn, n)
    answers = sum(map(len, calls.values()))
    score.add("  calls without an answer", n * count - answers, n * count)
    score.add("  faults in the ledger's chain", arena.faults(), n)
    score.say(f"  {time.monotonic() - began:.0f} s")


def _contested(calls: Sequence[Call]) -> bool:
    """Whether somebody's call overlapped the winner's."""
    won = next((call for call in calls if call.said == "recorded"), None)
    return won is not None and any(
        call is not won and call.began < won.ended and won.began < call.ended for call in calls
    )


if __name__ == "__main__":
    main(__doc__ or "", 1000, figure)
