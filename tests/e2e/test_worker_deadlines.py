"""Questions that nobody answers in time, asked by the library's own gate."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command

from hitloop_tui.attach import deadlines, standing
from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.deadlines import Deadlines
from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Kind, Review, State, Verdict
from hitloop_tui.attach.worker import Worker
from hitloop_tui.core.interfaces import PolicyVerdict
from hitloop_tui.core.models import Action, RiskClass
from hitloop_tui.errors import ConfigError
from hitloop_tui.hold import Hold
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import RiskBasedPolicy
from tests.e2e.worker_desk import Desk

ANN, BOB = Person("ann", {}), Person("bob", {})
YES, NO = {0: Verdict(Kind.APPROVE)}, {0: Verdict(Kind.REJECT, reason="no")}
CALL = {"tool_name": "refund", "tool_args": {"amount": 10}, "risk_class": RiskClass.HIGH}


class AgentState(TypedDict, total=False):
    proposed_action: Any
    approval_decision: Any
    hitl_status: str
    tool_result: Any


class Asks(RiskBasedPolicy):
    """For the approval of so many people."""

    def __init__(self, people: int) -> None:
        super().__init__()
        self.people = people

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        return PolicyVerdict("ask", "refunds are checked", self.people)


ran: list[float] = []


@pytest.fixture(autouse=True)
def _nothing_yet() -> None:
    ran.clear()


def agent(
    seconds: float, on_deadline: Literal["reject", "escalate", "leave"], people: int = 1
) -> Any:
    deadline = timedelta(seconds=seconds)
    gate = create_interrupt_gate_node(Asks(people), deadline=deadline, on_deadline=on_deadline)
    tools = create_interrupt_tool_node({"refund": lambda amount: ran.append(amount)})
    builder = StateGraph(AgentState).add_node("gate", gate).add_node("tools", tools)
    builder.add_edge(START, "gate")
    builder.add_conditional_edges("gate", should_execute, {"execute": "tools", "skip": "__end__"})
    return builder.compile()


async def asked(desk: Desk, graph: Any, thread: str = "t") -> str:
    [question] = await desk.ask(graph, thread, {"proposed_action": CALL})
    return question.identity.key


def say(desk: Desk, key: str, verdicts: Any = YES, hold: float = 0.0, by: Person = ANN) -> Outcome:
    inbox = Inbox(desk.source, desk.ledger, Hold(hold, hold, hold))
    inbox.load()
    review = inbox.review(key)
    assert review is not None
    return decide(inbox, review, verdicts, by)


async def decision(desk: Desk, graph: Any, thread: str = "t") -> dict[str, Any]:
    found: dict[str, Any] = (await desk.state(graph, thread)).values["approval_decision"]
    return found


class TestReject:
    async def test_is_nobodys_no(self, desk: Desk) -> None:
        graph = agent(0.2, "reject")
        key = await asked(desk, graph)
        async with Worker({"g": graph}, desk.db):
            await asyncio.to_thread(desk.wait_for_decision, key)
            record = await asyncio.to_thread(desk.wait, key, State.APPLIED)
        assert record.decided_by == "system:timeout"
        said = await decision(desk, graph)
        assert (said["approved"], said["decided_by"]) == (False, "system:timeout")
        assert said["tags"] == ["timeout", "reject"]
        assert said["reason"] == "nobody answered before the deadline"
        assert ran == []
        assert desk.faults() == []

    async def test_what_passed_while_no_worker_was_alive(self, desk: Desk) -> None:
        graph = agent(0.001, "reject")
        key = await asked(desk, graph)
        assert desk.review(key).state is State.EXPIRED
        assert say(desk, key).outcome == "stale"
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert desk.record(key).decided_by == "system:timeout"

    async def test_a_decision_before_it_wins(self, desk: Desk) -> None:
        graph = agent(0.3, "reject")
        key = await asked(desk, graph)
        assert say(desk, key).outcome == "recorded"
        await asyncio.sleep(0.4)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert desk.record(key).decided_by == "human:ann"
        assert ran == [10]

    async def test_one_of_several_votes_is_no_approval(self, desk: Desk) -> None:
        graph = agent(0.3, "reject", people=2)
        key = await asked(desk, graph)
        assert "1 more person" in say(desk, key).detail
        await asyncio.sleep(0.4)
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert (await decision(desk, graph))["decided_by"] == "system:timeout"
        assert ran == []

    async def test_taken_back_too_late(self, desk: Desk) -> None:
        graph = agent(0.4, "reject")
        key = await asked(desk, graph)
        async with Worker({"g": graph}, desk.db):
            assert say(desk, key, hold=30).outcome == "recorded"
            await asyncio.sleep(1.6)
            assert desk.record(key).state is State.HELD
            desk.order(key, Act.UNDO)
            await asyncio.to_thread(desk.wait_for_decision, key)
            record = await asyncio.to_thread(desk.wait, key, State.APPLIED)
        assert record.decided_by == "system:timeout"
        assert ran == []

    async def test_two_workers_many_threads(self, desk: Desk) -> None:
        graph = agent(0.001, "reject")
        keys = [await asked(desk, graph, f"t{n}") for n in range(40)]
        async with (
            Worker({"g": graph}, desk.db, once=True) as first,
            Worker({"g": graph}, desk.db, once=True) as second,
        ):
            await asyncio.gather(first.ended(), second.ended())
        [[count]] = desk.file.rows("SELECT count(*) FROM decisions")
        assert count == 40
        assert {desk.record(key).state for key in keys} == {State.APPLIED}
        assert desk.faults() == []

    async def test_not_one_that_another_program_may_be_running(self, desk: Desk) -> None:
        graph = agent(0.001, "reject")
        key = await asked(desk, graph)
        [question] = desk.source.thread_questions("t")
        await desk.leave_answer(question, {"approved": True})
        assert await desk.work({"g": graph}) == {}
        assert desk.review(key).state is State.UNCERTAIN
        desk.order(key, Act.CLEAR)
        async with Worker({"g": graph}, desk.db):
            await asyncio.to_thread(desk.wait_for_decision, key)
            await asyncio.to_thread(desk.wait, key, State.APPLIED)
        assert ran == []


class TestOtherChoices:
    async def test_escalate_once_and_still_answerable(self, desk: Desk) -> None:
        graph = agent(0.001, "escalate")
        key = await asked(desk, graph)
        assert await desk.work({"g": graph}) == {}
        assert await desk.work({"g": graph}) == {}
        assert [event.data["id"] for event in desk.events("escalated")] == [key[:16]]
        review = desk.review(key)
        assert (review.state, review.undecided) == (State.EXPIRED, True)
        assert "escalated" in review.detail
        assert say(desk, key).outcome == "recorded"
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert ran == [10]
        assert desk.faults() == []

    async def test_leave(self, desk: Desk) -> None:
        graph = agent(0.001, "leave")
        key = await asked(desk, graph)
        assert await desk.work({"g": graph}) == {}
        assert desk.events("escalated", "decision") == []
        assert say(desk, key).outcome == "recorded"

    def test_nothing_else(self) -> None:
        with pytest.raises(ConfigError, match="on_deadline: 'explode'"):
            agent(1, "explode")  # type: ignore[arg-type]


class Clock:
    """The wall clock of the modules that compare deadlines with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        clock = self

        class Set(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return datetime.now(tz) + clock.ahead

        for module in (deadlines, standing):
            monkeypatch.setattr(module, "datetime", Set)
        monkeypatch.setattr(deadlines.time, "time", lambda: Set.now(UTC).timestamp())


class TestClock:
    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        return Clock(monkeypatch)

    @pytest.fixture
    def deadlines(self, desk: Desk) -> Any:
        found = Deadlines(Checkpoints(desk.db), desk.ledger)
        yield found
        found.close()

    async def test_a_jump_forward_is_seen(
        self, desk: Desk, clock: Clock, deadlines: Deadlines
    ) -> None:
        key = await asked(desk, agent(3600, "reject"))
        deadlines.enforce()
        assert desk.ledger.records() == []
        clock.ahead = timedelta(hours=2)
        deadlines.enforce()
        assert desk.record(key).decided_by == "system:timeout"

    async def test_a_jump_back_leaves_what_was_rejected(
        self, desk: Desk, clock: Clock, deadlines: Deadlines
    ) -> None:
        graph = agent(3600, "reject")
        key = await asked(desk, graph)
        clock.ahead = timedelta(hours=2)
        deadlines.enforce()
        clock.ahead = timedelta()
        deadlines.enforce()
        assert say(desk, key).outcome == "already_decided"
        assert await desk.work({"g": graph}) == {"applied": 1}
        assert (await decision(desk, graph))["decided_by"] == "system:timeout"

    async def test_back_and_forth(self, desk: Desk, clock: Clock, deadlines: Deadlines) -> None:
        graph = agent(3600, "escalate")
        key = await asked(desk, graph)
        for hours in (2, 0, 2, 0, 2):
            clock.ahead = timedelta(hours=hours)
            deadlines.enforce()
        assert len(desk.events("escalated")) == 1
        assert desk.review(key).state is State.EXPIRED

    async def test_new_questions_and_answered_ones(
        self, desk: Desk, clock: Clock, deadlines: Deadlines
    ) -> None:
        graph = agent(3600, "reject")
        deadlines.enforce()
        keys = [await asked(desk, graph, f"t{n}") for n in range(3)]
        deadlines.enforce()
        await desk.ask(graph, "t0", Command(resume=True))
        say(desk, keys[1], NO)
        clock.ahead = timedelta(hours=2)
        deadlines.enforce()
        by = {r.key: r.decided_by for r in desk.ledger.records()}
        assert by == {keys[1]: "human:ann", keys[2]: "system:timeout"}


def test_the_review_says_what_will_happen(desk: Desk) -> None:
    key = asyncio.run(asked(desk, agent(3600, "reject")))
    review: Review = desk.review(key)
    shown = review.to_json()
    assert (shown["on_deadline"], shown["state"]) == ("reject", "pending")
    assert review.reading.deadline is not None
    assert review.reading.deadline > datetime.now(UTC)
