"""SIGKILL while a worker clears an answer, or runs another program's answer again.

python -m tests.figures.order_kills [--n KILLS] kills so many workers at each point.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from hitloop_tui import cli
from hitloop_tui.attach import order_leases, order_run, worker
from hitloop_tui.attach.acts import act
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.review import Act, Kind, Review, State, Verdict
from hitloop_tui.attach.stream_events import RunEvents
from tests.figures import graphs
from tests.figures.arena import Arena, Score, main
from tests.figures.arena import config as arena_config
from tests.figures.kills import ANN, APPROVE, BOB, after, before, killed

NO = {0: Verdict(Kind.REJECT, reason="no")}


def fragile(state: graphs.State, config: RunnableConfig) -> graphs.State:
    """Pays, and raises the first time."""
    [answer] = interrupt([graphs.CALL])
    if answer["type"] != "ignore":
        graphs.effect(answer["args"], config)
        path = Path(os.environ[graphs.EFFECTS])
        if path.read_text().count(f'"{config["configurable"]["thread_id"]}"') == 1:
            raise ValueError("the bank hung up")
    return {"said": answer}


pays = StateGraph(graphs.State).add_node("fragile", fragile).add_edge(START, "fragile").compile()


def when_taken() -> None:
    """This process dies when it has taken an order, not when it finds a dead worker's one."""
    take = worker.take_order

    def dying(*given: Any) -> None:
        if take(*given) is not None:
            os.kill(os.getpid(), signal.SIGKILL)

    worker.take_order = dying  # type: ignore[assignment]


def when_cleared() -> None:
    """This process dies when an answer has been taken away."""
    clear: Callable[..., Awaitable[Any]] = order_run.clear

    async def dying(*given: Any) -> None:
        await clear(*given)
        os.kill(os.getpid(), signal.SIGKILL)

    order_run.clear = dying  # type: ignore[assignment]


CLEARING: dict[str, Callable[[], None]] = {
    "clear, after the order was taken": when_taken,
    "clear, after the answer was taken away": when_cleared,
    "clear, before the outcome is recorded": partial(before, order_leases, "finish_order"),
}
AGAIN: dict[str, Callable[[], None]] = {
    "again, after the order was taken": when_taken,
    "again, after the resume was sent": partial(before, RunEvents, "part"),
    "again, after the tool's effect": partial(after, graphs, "effect"),
    "again, before the outcome is recorded": partial(before, order_leases, "finish_order"),
}


def figure(folder: Path, n: int, score: Score) -> None:
    for number, point in enumerate(CLEARING):
        clears(Arena(folder / f"clear{number}", "pays", module=__spec__.name), point, n, score)
    for number, point in enumerate(AGAIN):
        retries(Arena(folder / f"again{number}", "pays", module=__spec__.name), point, n, score)


def clears(arena: Arena, point: str, n: int, score: Score) -> None:
    """Our own answers, whose tools raised: cleared, then refused."""
    reviews = arena.ask(n)
    for review in reviews:
        assert decide(arena.session.inbox, review, APPROVE, ANN).outcome == "recorded"
    arena.work()
    spared = [said for review in reviews for said in _ordered(arena, review, Act.CLEAR, point)]
    score.add(f"{point}: workers that were not killed", spared, n)
    arena.work()
    open_now = {r.key: r for review in reviews for r in arena.look(review.thread_id)}
    left = [r.id for r in reviews if open_now[r.key].state is not State.PENDING]
    score.add("  not open again after a new worker", left, n)
    for review in open_now.values():
        assert decide(arena.session.inbox, review, NO, BOB).outcome == "recorded"
    arena.work()
    found, ran = arena.records(), arena.effects()
    score.add("  refusals not applied", [k for k in open_now if not found[k].over], n)
    score.add("  ran again", [r.id for r in reviews if ran[r.thread_id] != 1], n)
    score.add("  faults in the ledger's chain", arena.faults(), n)


def retries(arena: Arena, point: str, n: int, score: Score) -> None:
    """Another program's answers, whose tools raised there: run again by order."""
    reviews = arena.ask(n)
    asyncio.run(_answered_elsewhere(arena, reviews))
    spared = [said for review in reviews for said in _ordered(arena, review, Act.RETRY, point)]
    score.add(f"{point}: workers that were not killed", spared, n)
    ended = point.endswith("recorded")
    shown = {} if ended else {r.thread_id: arena.look(r.thread_id)[0].state for r in reviews}
    hidden = [thread for thread, state in shown.items() if state is not State.UNCERTAIN]
    score.add("  not shown as uncertain at once", hidden, n)
    ran = arena.effects()
    arena.work()
    score.add("  run again without a person's word", arena.effects() - ran, n)
    for review in reviews:
        for now in arena.look(review.thread_id):
            if now.state is not State.UNCERTAIN:
                hidden.append(now.id)
            assert act(arena.session.inbox, now, Act.RETRY, BOB).outcome == "recorded"
    score.add("  not shown as uncertain later", hidden, n)
    arena.work()
    more = {r.thread_id: arena.effects()[r.thread_id] - ran[r.thread_id] for r in reviews}
    odd = [thread for thread, times in more.items() if times != (0 if ended else 1)]
    score.add("  runs other than what the person ordered", odd, n)
    score.add("  still open", [r.id for r in reviews if arena.look(r.thread_id)], n)
    score.add("  faults in the ledger's chain", arena.faults(), n)


def _ordered(arena: Arena, review: Review, what: Act, point: str) -> list[str]:
    [now] = arena.look(review.thread_id)
    assert act(arena.session.inbox, now, what, BOB).outcome == "recorded"
    return killed(_work, point, arena)


async def _answered_elsewhere(arena: Arena, reviews: list[Review]) -> None:
    os.environ.update(arena.env)
    async with arena.application() as saver:
        for review in reviews:
            answer = Command(resume=[{"type": "accept", "args": {}}])
            try:
                await pays.ainvoke(answer, arena_config("pays", review.thread_id, saver))
            except ValueError:
                continue


def _work(point: str, db: Path, env: dict[str, str]) -> None:
    os.environ.update(env)
    {**CLEARING, **AGAIN}[point]()
    sys.stderr = db.with_name("victims.log").open("a")
    cli.main(["worker", str(db), "--graph", f"pays={__name__}:pays", "--once"])


if __name__ == "__main__":
    main(__doc__ or "", 100, figure)
