"""People in processes of their own, who go for the same Reviews at the same time."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.review import Review
from hitloop_tui.attach.session import Session
from tests.figures.arena import Arena, processes
from tests.figures.linearizability import Call

WAIT_S = 300.0
END_S = 3600.0


class Contestant(Protocol):
    """One person; pickled, to be sent into their process."""

    def go(self, session: Session, shown: list[Review], number: int) -> Iterable[tuple[str, Call]]:
        """Go for the Reviews of one round; each call with the Review's id."""


def contest(
    arena: Arena, people: Sequence[Contestant], threads: Sequence[str], size: int
) -> dict[str, list[Call]]:
    """All people, in rounds of so many threads; every call by the Review's id."""
    barrier, told = processes.Barrier(len(people)), processes.Queue()
    rounds = [threads[at : at + size] for at in range(0, len(threads), size)]
    started = []
    for person in people:
        given = (person, arena.db, arena.env, rounds, barrier, told)
        started.append(processes.Process(target=_take_part, args=given))
        started[-1].start()
    calls: dict[str, list[Call]] = defaultdict(list)
    for _ in started:
        for id_, call in told.get(timeout=END_S):
            calls[id_].append(call)
    for process in started:
        process.join()
        assert process.exitcode == 0
    return calls


def _take_part(
    person: Contestant,
    db: Path,
    env: dict[str, str],
    rounds: Sequence[Sequence[str]],
    barrier: Any,
    told: Any,
) -> None:
    os.environ.update(env)
    session = Session.open(db)
    calls: list[tuple[str, Call]] = []
    for number, threads in enumerate(rounds):
        shown = [session.inbox.thread_reviews(thread)[0] for thread in threads]
        barrier.wait(WAIT_S)
        calls += person.go(session, shown, number)
        barrier.wait(WAIT_S)
    told.put(calls)


def said(outcome: Outcome) -> str:
    """An outcome in one word; who was first, instead of `already_decided`."""
    first = outcome.decided_by if outcome.outcome == "already_decided" else None
    return first or outcome.outcome
