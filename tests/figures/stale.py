"""Answers to what is no longer asked: stale, replayed, swapped and drifted ones, for every shape.

python -m tests.figures.stale [--n THREADS] attacks so many threads of each shape in each way,
between a decision and the worker, and between the screen and the decision.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hitloop_tui import cli
from hitloop_tui.attach import running, thread_run
from hitloop_tui.attach.review import State
from tests.figures import askers, attacks
from tests.figures.arena import Arena, Score, main, processes
from tests.figures.attacks import Attack, Thread

BETWEEN: tuple[Attack, ...] = (
    attacks.answered,
    attacks.asked_again,
    attacks.asked_again_under_the_same_ids,
    attacks.forked,
    attacks.state_updated,
    attacks.deleted,
    attacks.question_rewritten,
)
IN_THE_LEDGER: tuple[Attack, ...] = (
    attacks.copied_to_another_thread,
    attacks.copied_to_the_next_question,
    attacks.exchanged,
)
WORK_S = 300.0


def figure(folder: Path, n: int, score: Score) -> None:
    run(folder, attacks.nothing, n, score, control=True)
    for attack in BETWEEN + IN_THE_LEDGER:
        run(folder, attack, n, score)
    run(folder, attacks.state_rewritten, n, score, shapes=["gate"])
    run(folder, attacks.nothing, n, score, shapes=["drifting"])
    faster(folder, n, score)


def run(
    folder: Path,
    attack: Attack,
    n: int,
    score: Score,
    shapes: Collection[str] = askers.SHAPES,
    *,
    control: bool = False,
) -> None:
    """Decide, attack, work; and where the thread is attacked, decide once more what was shown."""
    what = attack.__name__.replace("_", " ")
    arena = Arena(folder / f"{what} {len(shapes)}", *shapes, module=askers.__name__)
    told = asyncio.run(_attacked(arena, attack, n))
    arena.work()
    ran, found = arena.effects(), arena.records().values()
    applied = {r.identity.thread_id for r in found if r.state is State.APPLIED}
    for shape in shapes:
        mine = [f"{shape}-{number}" for number in range(n)]
        if control:
            score.add(f"control, {shape}: not accepted", [t for t in mine if not ran[t]], n)
            continue
        others = [f"{name}-other" for name in mine]
        victims: dict[Attack, list[str]] = {
            attacks.copied_to_another_thread: others,
            attacks.exchanged: mine + others,
        }
        targets = victims.get(attack, mine)
        accepted = [t for t in targets if ran[t] or (t in applied and attack in IN_THE_LEDGER)]
        score.add(f"{what}, {shape}: accepted", accepted, len(targets))
        if attack in BETWEEN:
            late = {out: count for out, count in told[shape].items() if out == "recorded"}
            score.add(f"{what}, {shape}: decided too late and recorded", late, told[shape].total())


async def _attacked(arena: Arena, attack: Attack, n: int) -> dict[str, Counter[str]]:
    """What became of decisions on what had been shown before the attack, by shape."""
    told: dict[str, Counter[str]] = {}
    async with arena.application() as saver:
        for shape in arena.names:
            told[shape] = Counter()
            for number in range(n):
                name = f"{shape}-{number}"
                decided, late, other = (
                    Thread(arena, shape, f"{name}{end}", saver) for end in ("", "-late", "-other")
                )
                shown = await decided.ask()
                assert set(decided.decide(shown)) == {"recorded"}
                await attack(decided, shown, other)
                if attack in BETWEEN:
                    shown = await late.ask()
                    await attack(late, shown, other)
                    told[shape].update(late.decide(shown))
    return told


def faster(folder: Path, n: int, score: Score) -> None:
    """The application answers between the worker's last look and its resume."""
    arena = Arena(folder / "faster", *askers.SHAPES, module=askers.__name__)
    asyncio.run(_attacked(arena, attacks.nothing, n))
    victim = processes.Process(target=_slow_worker, args=(arena.db, arena.env, arena.refs))
    victim.start()
    victim.join(WORK_S)
    ran = arena.effects()
    for shape in askers.SHAPES:
        accepted = [name for name in (f"{shape}-{k}" for k in range(n)) if ran[name]]
        score.add(f"answered before the worker's resume, {shape}: accepted", accepted, n)
    score.add("answered before the worker's resume: worker failed", int(victim.exitcode != 3), 1)


def _slow_worker(db: Path, env: dict[str, str], refs: list[str]) -> None:
    os.environ.update(env)
    arena = Arena(db.parent, module=askers.__name__)

    async def after_the_application(choice: Any, questions: Any) -> None:
        async with arena.application() as saver:
            thread_id = next(iter(questions.values())).identity.thread_id
            await Thread(arena, choice.name, thread_id, saver).answer()
        await running.drop_leftover(choice, questions)

    vars(thread_run)["drop_leftover"] = after_the_application
    sys.stderr = db.with_name("worker.log").open("a")
    cli.main(["worker", str(db), *refs, "--once"])


if __name__ == "__main__":
    main(__doc__ or "", 5, figure)
