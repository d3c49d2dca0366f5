"""Static breakpoints: a person lets the run go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from hitloop_tui.attach.acts import act
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Kind, Review, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.attach.worker import Worker
from tests.e2e.worker_desk import Desk
from tests.e2e.worker_graphs import Values, calls, fails

ANN = Person("ann", {})


def node(name: str) -> Any:
    def run(state: Values) -> Values:
        calls.append(name)
        if name in fails:
            fails.remove(name)
            raise ValueError(f"{name} broke")
        if name == "ask":
            calls.append(interrupt("really?"))
        return {"log": [name]}

    run.__name__ = name
    return run


def line(*names: str, **stops: Any) -> Any:
    builder = StateGraph(Values)
    for before, name in zip((START, *names), names, strict=False):
        builder.add_node(name, node(name)).add_edge(before, name)
    return builder.compile(**stops)


async def start(desk: Desk, graph: Any, thread: str = "t", name: str | None = "g") -> None:
    """Run it as an application would; a worker tells where it stops."""
    more = {} if name is None else {"metadata": {"graph_id": name}}
    await desk.ask(graph, thread, {}, **more)
    await desk.work({"g": graph})


class Console:
    """What a person has before them."""

    def __init__(self, desk: Desk) -> None:
        self.session = Session.open(desk.db)
        self.session.inbox.load()

    def reviews(self) -> list[Review]:
        self.session.inbox.refresh()
        rows = self.session.inbox.rows()
        return [r for row in rows if (r := self.session.inbox.review(row.key)) is not None]

    def only(self) -> Review:
        [review] = self.reviews()
        return review

    def go_on(self, review: Review) -> str:
        return decide(self.session.inbox, review, {0: Verdict(Kind.APPROVE)}, ANN).outcome

    def order(self, what: Act) -> None:
        assert act(self.session.inbox, self.only(), what, ANN).outcome == "recorded"


@pytest.fixture
def console(desk: Desk) -> Any:
    console = Console(desk)
    yield console
    console.session.close()


async def test_what_is_shown(desk: Desk, console: Console) -> None:
    assert console.reviews() == []
    await start(desk, line("a", "b", "c", interrupt_before=["b"]))
    review = console.only()
    assert review.question.identity.interrupt_id == "breakpoint:before:b"
    assert review.reading.shape == "breakpoint"
    assert review.allowed == (Kind.APPROVE,)
    assert review.actions[0].description == "paused before b: continue?"
    assert "cannot tell a pause from a run in progress" in review.reading.warnings[0]
    assert calls == ["a"]


@pytest.mark.parametrize(
    ("stops", "where"),
    [
        ({"interrupt_before": ["b", "c"]}, ["before:b", "before:c"]),
        ({"interrupt_after": ["a", "b", "c"]}, ["after:a", "after:b"]),
        ({"interrupt_before": "*"}, ["before:a", "before:b", "before:c"]),
        ({"interrupt_after": ["a"], "interrupt_before": ["b", "c"]}, ["after:a", "before:c"]),
    ],
)
async def test_every_stop_once(
    desk: Desk, console: Console, stops: dict[str, Any], where: list[str]
) -> None:
    graph, seen = line("a", "b", "c", **stops), []
    await start(desk, graph)
    while reviews := console.reviews():
        [review] = reviews
        seen.append(review.question.identity.interrupt_id.removeprefix("breakpoint:"))
        assert console.go_on(review) == "recorded"
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert await desk.work({"g": graph}) == {}
    assert seen == where
    assert calls == ["a", "b", "c"]
    assert desk.faults() == []


async def test_the_node_raises_and_is_tried_again(desk: Desk, console: Console) -> None:
    graph = line("a", "b", interrupt_before=["b"])
    await start(desk, graph)
    fails.append("b")
    console.go_on(console.only())
    assert await desk.work({"g": graph}) == {"failed": 1}
    assert console.only().detail == "b raised ValueError: b broke"
    console.order(Act.RETRY)
    assert await desk.work({"g": graph}) == {"applied": 1}
    assert calls == ["a", "b", "b"]
    assert console.reviews() == []


async def test_after_a_dead_worker_a_person_is_asked(desk: Desk, console: Console) -> None:
    graph = line("a", "b", interrupt_before=["b"])
    await start(desk, graph)
    console.go_on(console.only())
    desk.dead_worker("t")
    assert await desk.work({"g": graph}) == {}
    assert console.only().state is State.UNCERTAIN
    console.order(Act.CLEAR)
    assert await desk.work({"g": graph}) == {"applied": 1}
    assert console.only().state is State.PENDING
    assert calls == ["a"]


async def test_a_question_behind_it(desk: Desk, console: Console) -> None:
    graph = line("a", "ask", interrupt_before=["ask"])
    await start(desk, graph)
    console.go_on(console.only())
    assert await desk.work({"g": graph}) == {"applied": 1}
    review = console.only()
    assert review.reading.shape == "free_form"
    decide(console.session.inbox, review, {0: Verdict(Kind.RESPOND, value="yes")}, ANN)
    assert await desk.work({"g": graph}) == {"applied": 1}
    assert calls == ["a", "ask", "ask", "yes"]


async def test_moved_on(desk: Desk, console: Console) -> None:
    graph = line("a", "b", "c", interrupt_before=["b", "c"])
    await start(desk, graph)
    review = console.only()
    console.go_on(review)
    await desk.ask(graph, "t", None)
    assert await desk.work({"g": graph}) == {"stale": 1}
    assert calls == ["a", "b"]
    states = {r.question.identity.interrupt_id: r.state for r in console.reviews()}
    assert states["breakpoint:before:c"] is State.PENDING


async def test_two_workers_go_on_once(desk: Desk, console: Console) -> None:
    graph = line("a", "b", interrupt_before=["b"])
    for number in range(15):
        await start(desk, graph, f"t{number}")
    async with Worker({"g": graph}, desk.db), Worker({"g": graph}, desk.db):
        keys = [review.key for review in console.reviews()]
        assert [console.go_on(review) for review in console.reviews()] == ["recorded"] * 15
        for key in keys:
            await asyncio.to_thread(desk.wait, key, State.APPLIED)
    assert calls == ["a"] * 15 + ["b"] * 15


async def test_not_where_something_has_happened_since(desk: Desk, console: Console) -> None:
    """Another task of the same superstep has ended: somebody has continued the run."""
    builder = StateGraph(Values).add_node("a", node("a")).add_edge(START, "a")
    for name in ("b", "ask"):
        builder.add_node(name, node(name)).add_edge("a", name)
    graph = builder.compile(interrupt_before=["b"])
    await start(desk, graph)
    assert console.only().reading.shape == "breakpoint"
    await desk.ask(graph, "t", None)
    assert [r.reading.shape for r in console.reviews()] == ["free_form"]


async def test_only_threads_that_say_their_graph(desk: Desk, console: Console) -> None:
    graph = line("a", "b", interrupt_before=["b"])
    await start(desk, graph, "nameless", None)
    await start(desk, graph, "other", "h")
    await desk.ask(line("a", "b"), "done", {}, metadata={"graph_id": "g"})
    assert console.reviews() == []
