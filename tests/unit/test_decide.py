"""The answer reaches the question that was on the screen, or nothing is recorded."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.person import Person, this_person
from hitloop_tui.attach.review import Kind, Review, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.errors import BadInput
from tests.unit.asking import asking

ANN, BOB = Person("ann", {"uid": 1}), Person("bob", {"uid": 2})
APPROVE, REJECT = Verdict(Kind.APPROVE), Verdict(Kind.REJECT, reason="no")
CALLS = {
    "action_requests": [{"name": name, "args": {"n": 1.0}} for name in ("a", "b", "c")],
    "review_configs": [{"allowed_decisions": ["approve", "edit", "reject"]}] * 3,
}


class Desk:
    """One question of a real graph, and two consoles on it."""

    def __init__(self, folder: Any, value: Any) -> None:
        self.path = folder / "agents.db"
        self.connection = sqlite3.connect(self.path, check_same_thread=False)
        self.saver = SqliteSaver(self.connection)
        self.graph = asking(value)(self.saver)
        self.config = {"configurable": {"thread_id": "t"}}
        self.graph.invoke({}, self.config)
        self.mine, self.theirs = Session.open(self.path), Session.open(self.path)

    def review(self, session: Session | None = None) -> Review:
        [review] = (session or self.mine).inbox.reviews()
        return review

    def decide(self, verdicts: dict[int, Verdict], shown: Review | None = None) -> Any:
        return decide(self.mine.inbox, shown or self.review(), verdicts, ANN)

    def colleague(self, verdicts: dict[int, Verdict], shown: Review | None = None) -> Any:
        return decide(self.theirs.inbox, shown or self.review(self.theirs), verdicts, BOB)

    def close(self) -> None:
        self.mine.close()
        self.theirs.close()
        self.connection.close()


@pytest.fixture
def desk_of(tmp_path):
    opened = []

    def open_(value: Any) -> Desk:
        opened.append(Desk(tmp_path, value))
        return opened[-1]

    yield open_
    for desk in opened:
        desk.close()


@pytest.fixture
def desk(desk_of):
    return desk_of(CALLS)


ALL = dict.fromkeys(range(3), APPROVE)


def test_recorded(desk):
    shown = desk.review()
    outcome = desk.decide({**ALL, 1: Verdict(Kind.EDIT, args={"n": 2})})
    assert outcome.outcome == "recorded"
    [record] = desk.mine.ledger.records()
    assert (outcome.id, outcome.decided_by) == (shown.id, "human:ann")
    assert outcome.decided_at == record.decided_at
    assert record.answer["decisions"][1]["edited_action"] == {"name": "b", "args": {"n": 2.0}}
    assert record.review["actions"][0]["tool_args"] == {"n": 1.0}
    assert record.account == {"uid": 1}
    now = desk.review()
    assert (now.state, now.allowed) == (State.DECIDED, ())


def test_the_second_one_is_told_who_was_first(desk):
    shown = desk.review()
    first = desk.colleague(ALL, shown)
    outcome = desk.decide(dict.fromkeys(range(3), REJECT), shown)
    assert outcome.outcome == "already_decided"
    assert (outcome.decided_by, outcome.decided_at) == ("human:bob", first.decided_at)


def test_stale_when_the_thread_moved_on(desk):
    shown = desk.review()
    desk.graph.invoke({"messages": ["new input"]}, desk.config)
    outcome = desk.decide(ALL, shown)
    assert (outcome.outcome, desk.mine.ledger.records()) == ("stale", [])
    assert "moved on" in outcome.detail


def test_stale_when_answered_elsewhere(desk):
    shown = desk.review()
    answer = {"decisions": []}
    resume = {shown.question.identity.interrupt_id: answer}
    desk.graph.invoke(Command(resume=resume), desk.config)
    assert desk.decide(ALL, shown).outcome == "stale"


def test_stale_when_the_thread_was_deleted(desk):
    shown = desk.review()
    desk.saver.delete_thread("t")
    assert desk.decide(ALL, shown).outcome == "stale"


def test_stale_when_the_content_changed_under_the_same_id(desk):
    shown = desk.review()
    row = desk.connection.execute("SELECT rowid, value FROM writes WHERE idx=-3").fetchone()
    swapped = row[1].replace(b"\xa1b", b"\xa1x")
    desk.connection.execute("UPDATE writes SET value=? WHERE rowid=?", (swapped, row[0]))
    desk.connection.commit()
    outcome = desk.decide(ALL, shown)
    assert (outcome.outcome, desk.mine.ledger.records()) == ("stale", [])
    assert "changed" in outcome.detail


def test_failed_reviews_take_no_second_decision(desk):
    shown = desk.review()
    desk.decide(ALL, shown)
    leases = Leases(desk.mine.ledger.file, ["g"])
    leases.register()
    [lease] = leases.take("t")
    leases.finish(lease, "failed", "ValueError")
    failed = desk.review()
    assert (failed.state, failed.detail) == (State.FAILED, "ValueError")
    assert desk.decide(ALL, failed).outcome == "already_decided"


@pytest.mark.parametrize(
    ("verdicts", "says"),
    [
        ({}, "no verdict given"),
        ({3: APPROVE}, "action 4: the Review has 3"),
        ({-1: APPROVE}, "action 0: "),
        ({0: Verdict(Kind.EDIT, args={"n": "1"})}, "n: was float, is str"),
        ({0: Verdict(Kind.RESPOND, value="x")}, "respond is not possible for a"),
        ({0: APPROVE, 1: Verdict(Kind.EDIT, args={})}, "n: missing"),
    ],
)
def test_invalid_is_refused_before_anything_is_recorded(desk, verdicts, says):
    outcome = desk.decide(verdicts)
    assert outcome.outcome == "invalid"
    assert says in outcome.detail
    assert not desk.mine.ledger.file.path.exists()


def test_parts_stay_pending_until_the_last(desk):
    outcome = desk.decide({1: REJECT})
    assert (outcome.outcome, outcome.detail) == ("recorded", "2 more to decide")
    now = desk.review(desk.theirs)
    assert (now.state, now.verdicts) == (State.PENDING, {1: REJECT})
    assert desk.colleague({0: APPROVE}).detail == "1 more to decide"
    last = desk.decide({2: APPROVE})
    assert (last.outcome, last.detail) == ("recorded", "")
    [record] = desk.mine.ledger.records()
    assert record.answer == {
        "decisions": [{"type": "approve"}, {"type": "reject", "message": "no"}, {"type": "approve"}]
    }


def test_a_colleague_completes_the_batch_meanwhile(desk):
    """Each saw one open Action of three; what was recorded is never called refused."""
    shown = desk.review()
    assert desk.colleague({0: APPROVE}, shown).outcome == "recorded"
    assert desk.decide({1: REJECT}, shown).outcome == "recorded"
    assert desk.colleague({2: APPROVE}, shown).outcome == "recorded"
    late = desk.decide({2: REJECT}, shown)
    assert (late.outcome, late.decided_by) == ("already_decided", "human:bob")
    assert desk.mine.ledger.records()[0].verdicts == (APPROVE, REJECT, APPROVE)


def test_an_action_decided_by_somebody_else(desk):
    shown = desk.review()
    desk.colleague({1: REJECT}, shown)
    outcome = desk.decide(ALL, shown)
    assert (outcome.outcome, outcome.decided_by) == ("already_decided", "human:bob")
    assert outcome.detail == "action 2 was decided already"
    assert desk.review().verdicts == {1: REJECT}
    assert desk.decide({0: APPROVE, 2: APPROVE}).outcome == "recorded"


def test_the_next_question_of_a_refused_answer_is_another_one(desk_of):
    desk = desk_of("really?")
    shown = desk.review()
    desk.graph.invoke({}, desk.config)
    again = desk.review()
    assert again.question.digest == shown.question.digest
    assert again.id != shown.id
    assert desk.decide({0: Verdict(Kind.RESPOND, value="yes")}, shown).outcome == "stale"


def test_the_person_is_the_account_and_the_name_they_state(monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")
    person = this_person("Ann")
    assert person.decided_by == "human:Ann"
    assert person.account["stated"] == "Ann"
    assert person.account["ssh"].startswith("1.2.3.4")
    assert this_person().name == person.account["login"]
    assert this_person(" human:Ann ").decided_by == "human:Ann"


@pytest.mark.parametrize(
    "stated", ["", " ", "\udcff", "a\nb", "ann\u200b", "Human", "system:timeout"]
)
def test_a_name_that_is_nobodys_is_refused(stated):
    """Of two such people nobody could tell that they are two."""
    with pytest.raises(BadInput, match="no name of a person"):
        this_person(stated)
