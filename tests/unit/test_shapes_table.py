"""Every shape through a real decision and a real worker: shown whole, answered as documented."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from hitloop_tui import cli
from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.review import Kind, Review
from hitloop_tui.attach.session import Session
from tests.e2e.worker_desk import Desk
from tests.unit.asking import CALLS, PERSON, SEND, asking
from tests.unit.many_questions import GRAPHS, pausing
from tests.unit.question_table import QUESTIONS
from tests.unit.shape_table import (
    APPROVE,
    AS_FLOATS,
    REJECT,
    TOOL_CALLS,
    Case,
    Verdicts,
    respond,
)


class Thread(Desk):
    """One thread of a graph, and a person at a console."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        CALLS.clear()
        self.session = Session.open(self.db)

    def close(self) -> None:
        self.session.close()
        super().close()

    async def begin(self, build: Any) -> list[Review]:
        self.graph = build(None)
        given = {"messages": [("user", "go")]}
        await self.ask(self.graph, "t", given, metadata={"graph_id": "g"})
        return self.open()

    def open(self) -> list[Review]:
        return [review for review in self.session.inbox.reviews() if review.undecided]

    def give(self, review: Review, verdicts: Verdicts) -> Outcome:
        return decide(self.session.inbox, review, dict(enumerate(verdicts)), PERSON)

    async def work_all(self) -> dict[str, int]:
        return await self.work({"g": self.graph})

    def received(self) -> list[Any]:
        """What LangGraph gave to the tasks that asked: it keeps that on them."""
        with sqlite3.connect(self.db) as connection:
            found = connection.execute(
                "SELECT type, value FROM writes WHERE channel='__resume__' ORDER BY rowid"
            ).fetchall()
        connection.close()
        return [JsonPlusSerializer().loads_typed(one) for one in found]


@pytest.fixture
def thread(tmp_path: Path) -> Iterator[Thread]:
    thread = Thread(tmp_path)
    yield thread
    thread.close()


def exact(value: Any) -> str:
    """With types: 2 is not 2.0, and True is not 1."""
    return json.dumps(value, sort_keys=True)


def without_time(answer: Any) -> Any:
    """A gate is also told when it was decided."""
    if isinstance(answer, dict) and "decided_at" in answer:
        assert datetime.fromisoformat(answer["decided_at"]).tzinfo is not None
        return {key: value for key, value in answer.items() if key != "decided_at"}
    return answer


TABLE = TOOL_CALLS + QUESTIONS


@pytest.mark.parametrize("case", TABLE, ids=str)
async def test_shown_in_full(
    case: Case, thread: Thread, capsys: pytest.CaptureFixture[str]
) -> None:
    [review] = await thread.begin(case.build)
    cli.hitloop(["show", review.id, "--db", str(thread.db), "--json"], standalone_mode=False)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["shape"], shown["state"]) == (case.shape, "pending")
    actions = [(action["tool_name"], action["tool_args"]) for action in shown["actions"]]
    assert exact(actions) == exact([list(one) for one in case.shown])
    assert shown["warnings"] == []
    for number, action in enumerate(shown["actions"]):
        assert set(action["allowed"]) == {verdicts[number].kind for verdicts, _ in case.takes}


@pytest.mark.parametrize(
    ("case", "verdicts", "value"),
    [pytest.param(c, *takes, id=f"{c}, {n}") for c in TABLE for n, takes in enumerate(c.takes)],
)
async def test_the_graph_gets_what_is_documented(
    case: Case, verdicts: Verdicts, value: Any, thread: Thread
) -> None:
    [review] = await thread.begin(case.build)
    assert thread.give(review, verdicts).outcome == "recorded"
    assert await thread.work_all() == {"applied": 1}
    [received] = thread.received()
    assert exact([without_time(one) for one in received]) == exact([value])
    assert thread.open() == []
    if case.name in ("gate before a tool", "middleware, batched", "middleware, per call"):
        ran = {Kind.APPROVE: [SEND], Kind.EDIT: [AS_FLOATS]}.get(verdicts[0].kind, [])
        assert exact([args for name, args in CALLS if name == "send"]) == exact(ran)


@pytest.mark.parametrize(
    ("case", "verdicts", "says"),
    [pytest.param(c, *wrong, id=f"{c}, {n}") for c in TABLE for n, wrong in enumerate(c.refuses)],
)
async def test_a_wrong_answer_leaves_the_thread_untouched(
    case: Case, verdicts: Verdicts, says: str, thread: Thread
) -> None:
    [review] = await thread.begin(case.build)
    before = thread.dump()
    outcome = thread.give(review, verdicts)
    assert outcome.outcome == "invalid"
    assert re.search(says, outcome.detail), outcome.detail
    assert await thread.work_all() == {}
    assert thread.dump() == before
    assert thread.ledger.records() == []
    assert [one.key for one in thread.open()] == [review.key]


@pytest.mark.parametrize("at_once", [1, 20, 1000])
@pytest.mark.parametrize("name", GRAPHS)
async def test_each_of_many_questions_gets_its_own_answer(
    name: str, at_once: int, thread: Thread
) -> None:
    build, questions = GRAPHS[name]
    if at_once == 1 and len(questions) > 10:
        at_once = 7  # 50 runs of 50 tasks take long
    asked = await thread.begin(build)
    while asked:
        for review in asked[:at_once]:
            answer = f"answer to {review.actions[0].tool_args['question']}"
            assert thread.give(review, [respond(answer)]).outcome == "recorded"
        await thread.work_all()
        asked = thread.open()
    assert set(CALLS) == {(question, f"answer to {question}") for question in questions}
    assert {record.state.value for record in thread.ledger.records()} == {"applied"}
    assert len(thread.ledger.records()) == len(questions)


@pytest.mark.parametrize("where", [{"interrupt_before": ["act"]}, {"interrupt_after": ["plan"]}])
async def test_a_static_breakpoint(where: Any, thread: Thread) -> None:
    build = pausing(**where)
    assert await thread.begin(build) == []
    await thread.work_all()  # only a worker knows where its graphs stop
    [review] = thread.open()
    [action] = review.actions
    assert (review.reading.shape, action.tool_name) == ("breakpoint", "continue")
    assert action.tool_args == {"next": ["act"]}
    before = thread.dump()
    for refused in (REJECT, respond("no")):
        assert thread.give(review, [refused]).outcome == "invalid"
    assert thread.dump() == before
    assert thread.give(review, [APPROVE]).outcome == "recorded"
    assert CALLS == []
    assert await thread.work_all() == {"applied": 1}
    assert CALLS == [("act", {})]
    assert thread.received() == []


async def test_what_a_program_asks_a_program_is_shown_to_nobody(
    thread: Thread, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await thread.begin(asking({"type": "hook_invocation", "request": {"a": 1}})) == []
    cli.hitloop(["ls", str(thread.db), "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == []
