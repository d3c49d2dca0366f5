"""SIGKILL at every instant that matters: nothing recorded is lost, nothing runs twice, and what
nobody can know is asked about.

python -m tests.figures.kills [--n KILLS] kills so many processes at each point.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Any

from hitloop_tui import cli
from hitloop_tui.attach import recording
from hitloop_tui.attach.acts import act
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Kind, Review, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.stream_events import RunEvents
from tests.figures import graphs
from tests.figures.arena import Arena, Score, main, processes

ANN, BOB = Person("ann", {}), Person("bob", {})
APPROVE = {0: Verdict(Kind.APPROVE)}
KILL_S = 60.0


def before(owner: Any, name: str) -> None:
    """This process dies when it calls that."""
    setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))


def after(owner: Any, name: str) -> None:
    """This process dies when that has returned something true, or nothing at all."""
    call = getattr(owner, name)

    @wraps(call)
    def dying(*args: Any, **options: Any) -> Any:
        found = call(*args, **options)
        if found is None or found:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(owner, name, dying)


DECIDING: dict[str, Callable[[], None]] = {
    "before the row": partial(before, recording, "insert_decision"),
    "before the row's commit": partial(after, recording, "insert_decision"),
    "after the row": partial(after, Ledger, "record"),
}
APPLYING: dict[str, Callable[[], None]] = {
    "after the lease": partial(after, Leases, "take"),
    "after the resume was sent": partial(before, RunEvents, "part"),
    "after the tool's effect": partial(after, graphs, "effect"),
    "before the outcome is recorded": partial(before, Leases, "finish"),
}


def figure(folder: Path, n: int, score: Score) -> None:
    for number, point in enumerate(DECIDING):
        kill_deciders(Arena(folder / f"decider{number}", "pay"), point, n, score)
    for number, point in enumerate(APPLYING):
        kill_workers(Arena(folder / f"worker{number}", "pay"), point, n, score)


def kill_deciders(arena: Arena, point: str, n: int, score: Score) -> None:
    """Each victim has one decision reported to it, and dies over the next one."""
    reviews = arena.ask(2 * n)
    reported, spared = arena.db.with_name("reported"), []
    for first, second in zip(reviews[:n], reviews[n:], strict=True):
        spared += killed(_decide, point, arena, first, second, reported)
    said, found = reported.read_text().split(), arena.records()
    score.add(f"{point}: deciders that were not killed", spared, n)
    score.add(
        "  reported as recorded and lost", [key for key in said if key not in found], len(said)
    )
    there = [review.key for review in reviews[n:] if review.key in found]
    wrong = n - len(there) if point == "after the row" else len(there)
    score.add("  rows other than where it died", wrong, n)
    again = {r.key: decide(arena.session.inbox, r, APPROVE, BOB) for r in reviews[n:]}
    expected = {key: "already_decided" if key in found else "recorded" for key in again}
    differ = [key for key, outcome in again.items() if outcome.outcome != expected[key]]
    score.add("  second answers that were told wrong", differ, n)
    arena.work()
    ran, now = arena.effects(), arena.records()
    late = [r.id for r in reviews if r.key not in now or now[r.key].state is not State.APPLIED]
    score.add("  not applied by a new worker", late, 2 * n)
    score.add("  tool did not run once", [r.id for r in reviews if ran[r.thread_id] != 1], 2 * n)
    score.add("  faults in the ledger's chain", arena.faults(), n)


def kill_workers(arena: Arena, point: str, n: int, score: Score) -> None:
    reviews, spared, hidden = arena.ask(n), [], []
    for review in reviews:
        assert decide(arena.session.inbox, review, APPROVE, ANN).outcome == "recorded"
        spared += killed(working, point, arena)
        if [r.state for r in arena.look(review.thread_id)] != [State.UNCERTAIN]:
            hidden.append(review.id)
    score.add(f"{point}: workers that were not killed", spared, n)
    found, ran = arena.records(), arena.effects()
    score.add("  reported as recorded and lost", [r.id for r in reviews if r.key not in found], n)
    score.add("  not shown as uncertain at once", hidden, n)
    arena.work()
    listed = {row["id"]: row for row in arena.run("ls")}
    shown = {id_ for id_, row in listed.items() if row["state"] == "uncertain" and row["acts"]}
    score.add("  not listed as uncertain later", [r.id for r in reviews if r.id not in shown], n)
    score.add("  run twice", [t for t, times in ran.items() if times > 1], n)
    moved = arena.effects() - ran
    score.add("  run again without a person's word", moved, n)
    _settle(arena, point, reviews, score)


def _settle(arena: Arena, point: str, reviews: Sequence[Review], score: Score) -> None:
    """A person looks, and orders in turn whatever is possible."""
    ran, inbox, ordered = arena.effects(), arena.session.inbox, {}
    for number, review in enumerate(reviews):
        [now] = arena.look(review.thread_id)
        ordered[review.thread_id] = now.acts[number % len(now.acts)]
        assert act(inbox, now, ordered[review.thread_id], BOB).outcome == "recorded"
    arena.work()
    for review in reviews:
        for now in arena.look(review.thread_id):
            if now.undecided:
                decide(inbox, now, APPROVE, BOB)
            elif Act.DISMISS in now.acts:
                act(inbox, now, Act.DISMISS, BOB)
    arena.work()
    n, moved = len(reviews), point == "before the outcome is recorded"
    more = {t: int(what in (Act.RETRY, Act.CLEAR) and not moved) for t, what in ordered.items()}
    odd = [t for t, times in arena.effects().items() if times != ran[t] + more[t]]
    score.add("  runs other than what the person ordered", odd, n)
    found = arena.records()
    left = [r.id for r in reviews if not (r.key in found and found[r.key].over)]
    score.add("  not settled in the end", left, n)
    listed = [f"{row['thread_id']} {row['state']}: {row['detail']}" for row in arena.run("ls")]
    score.add("  still listed", listed, n)
    score.add("  faults in the ledger's chain", arena.faults(), n)


def killed(victim: Callable[..., None], point: str, arena: Arena, *given: Any) -> list[str]:
    """Run a process that kills itself at a point; what went wrong with that."""
    process = processes.Process(target=victim, args=(point, arena.db, arena.env, *given))
    process.start()
    process.join(KILL_S)
    if process.exitcode == -signal.SIGKILL:
        return []
    process.kill()
    return [f"exit code {process.exitcode}"]


def _decide(
    point: str, db: Path, env: dict[str, str], first: Review, second: Review, reported: Path
) -> None:
    os.environ.update(env)
    inbox = Session.open(db).inbox
    outcome = decide(inbox, first, APPROVE, ANN)
    with reported.open("a") as file:
        file.write(f"{first.key}\n" if outcome.outcome == "recorded" else f"{outcome}\n")
    DECIDING[point]()
    decide(inbox, second, APPROVE, ANN)


def working(point: str, db: Path, env: dict[str, str]) -> None:
    """A worker that dies at a point of `APPLYING`."""
    os.environ.update(env)
    APPLYING[point]()
    sys.stderr = db.with_name("victims.log").open("a")
    cli.main(["worker", str(db), "--graph", "pay=tests.figures.graphs:pay", "--once"])


if __name__ == "__main__":
    main(__doc__ or "", 100, figure)
