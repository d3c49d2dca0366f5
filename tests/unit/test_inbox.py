"""What is kept up to date equals what a new reading would give."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from langgraph.types import Command

from hitloop_tui.attach import inbox as inbox_module
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import OPEN_STATES, Kind, Review, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.errors import DatabaseError
from tests import zoo


@pytest.fixture
def session(tmp_path):
    opened = Session.open(tmp_path / "agents.db")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Deleted threads are looked for at every refresh."""
    monkeypatch.setattr(inbox_module, "DELETIONS_S", 0.0)
    monkeypatch.setattr(inbox_module, "DELETIONS_SHARE", 0.0)


def anew(session: Session) -> list[Any]:
    """The rows that a console opened just now would show."""
    other = Session.open(session.source.path, session.ledger.file.path)
    other.inbox.load()
    rows = other.inbox.rows()
    other.close()
    return rows


def ask(saver: Any, name: str, thread: str, given: Any) -> None:
    config = {"configurable": {"thread_id": thread}}
    try:
        zoo.compiled(name, saver).invoke(given, config)
    except ValueError:
        assert name in ("failing", "raising")


NAMES = ["one", "parallel", "sequence", "subgraph", "failing", "raising", "stateful", "functional"]


@pytest.mark.parametrize("seed", range(6))
def test_refresh_equals_a_full_load_after_anything(session, saver_of, seed):
    """New threads, answers, new inputs, deletions, other people's decisions, workers' attempts."""
    dice = random.Random(seed)
    saver = saver_of(session.source.path)
    colleague = Ledger(LedgerFile(session.ledger.file.path))
    threads: dict[str, str] = {}
    session.inbox.load()
    for step in range(40):
        _anything(dice, step, saver, session, colleague, threads)
        if dice.random() < 0.6:
            session.inbox.refresh()
            assert session.inbox.rows() == anew(session), f"seed {seed} step {step}"
            assert not session.inbox.refresh() or session.inbox.rows() == anew(session)
    colleague.file.close()


def _anything(
    dice: random.Random,
    step: int,
    saver: Any,
    session: Session,
    colleague: Ledger,
    threads: dict[str, str],
) -> None:
    move = dice.choice(["new", "new", "answer", "answer", "input", "delete", "decide", "attempt"])
    if move == "new" or not threads:
        thread = f"t{dice.randint(0, 8)}-{step}"
        threads[thread] = dice.choice(NAMES)
        ask(saver, threads[thread], thread, {"said": []})
        return
    thread = dice.choice(sorted(threads))
    open_now = list(session.inbox.thread_reviews(thread))
    if move == "input":
        ask(saver, threads[thread], thread, {"said": []})
    elif move == "delete":
        saver.delete_thread(thread)
        del threads[thread]
    elif move == "answer" and open_now:
        review = dice.choice(open_now)
        answer = dice.choice(["A", "A", "boom"])
        resume = {review.question.identity.interrupt_id: answer}
        ask(saver, threads[thread], thread, Command(resume=resume))
    elif move == "decide" and open_now:
        verdicts = {0: Verdict(Kind.RESPOND, value="A")}
        colleague.record(dice.choice(open_now), verdicts, "A", Person("bob", {}))
    elif move == "attempt":
        leases = Leases(colleague.file, ["g"])
        leases.register()
        for lease in leases.take(thread):
            leases.finish(lease, dice.choice(["applied", "failed", "stale", "uncertain"]), "so")


def test_deleted_rows_whose_numbers_are_used_again(session, saver_of):
    saver = saver_of(session.source.path)
    ask(saver, "one", "old", {"said": []})
    ask(saver, "one", "gone", {"said": []})
    session.inbox.load()
    saver.delete_thread("gone")
    ask(saver, "parallel", "new", {"said": []})
    assert session.inbox.refresh()
    assert {row.thread_id for row in session.inbox.rows()} == {"old", "new"}
    assert session.inbox.rows() == anew(session)


def test_an_older_thread_deleted(session, saver_of):
    """Nothing at the tables' ends tells of it."""
    saver = saver_of(session.source.path)
    for thread in ("first", "second"):
        ask(saver, "one", thread, {"said": []})
    session.inbox.load()
    saver.delete_thread("first")
    ask(saver, "one", "third", {"said": []})
    session.inbox.refresh()
    assert {row.thread_id for row in session.inbox.rows()} == {"second", "third"}


def test_the_file_appears_is_replaced_and_goes_away(session, saver_of, zoo_file, tmp_path):
    path = session.source.path
    session.inbox.load()
    assert session.inbox.rows() == []
    shutil.copy(zoo_file, path)
    assert session.inbox.refresh()
    assert session.inbox.rows() == anew(session) != []
    ask(saver_of(tmp_path / "other.db"), "one", "other", {"said": []})
    for rest in tmp_path.glob("agents.db-*"):
        rest.unlink()
    shutil.copy(tmp_path / "other.db", tmp_path / "moving")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "whole"),))
    connection.close()
    (tmp_path / "whole").replace(path)
    assert session.inbox.refresh()
    assert [row.thread_id for row in session.inbox.rows()] == ["other"]
    for rest in tmp_path.glob("agents.db*"):
        rest.unlink()
    assert session.inbox.refresh()
    assert session.inbox.rows() == []


def test_nothing_new_is_nothing_to_do(session, saver_of):
    ask(saver_of(session.source.path), "one", "t", {"said": []})
    session.inbox.load()
    assert not session.inbox.refresh()


def test_only_touched_threads_are_read(session, saver_of, monkeypatch):
    """Also when the last row of all is a question that was written anew."""
    saver = saver_of(session.source.path)
    for number in range(5):
        ask(saver, "one", f"t{number}", {"said": []})
    ask(saver, "parallel", "p", {"said": []})
    session.inbox.load()
    review = session.inbox.thread_reviews("p")[0]
    ask(saver, "parallel", "p", Command(resume={review.question.identity.interrupt_id: "A"}))
    read = []
    source = session.source.thread_questions
    monkeypatch.setattr(
        session.source, "thread_questions", lambda thread: read.append(thread) or source(thread)
    )
    monkeypatch.setattr(session.source, "questions", lambda: pytest.fail("read everything"))
    session.inbox.refresh()
    assert read == ["p"]
    assert len(session.inbox.rows()) == 7


def test_an_error_loses_nothing(session, saver_of, monkeypatch):
    saver = saver_of(session.source.path)
    ask(saver, "one", "t", {"said": []})
    session.inbox.load()
    ask(saver, "one", "u", {"said": []})

    def locked(_: str) -> Any:
        raise DatabaseError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(session.source, "thread_questions", locked)
        with pytest.raises(DatabaseError):
            session.inbox.refresh()
    assert session.inbox.refresh()
    assert {row.thread_id for row in session.inbox.rows()} == {"t", "u"}


def test_a_first_screen_and_then_all_of_it(session, saver_of):
    saver = saver_of(session.source.path)
    for number in range(6):
        ask(saver, "one", f"t{number}", {"said": []})
    session.inbox.load_newest(2)
    assert {row.thread_id for row in session.inbox.rows()} == {"t5", "t4"}
    session.inbox.load()
    assert len(session.inbox.rows()) == 6


def test_a_worker_that_dies(session, saver_of):
    ask(saver_of(session.source.path), "one", "t", {"said": []})
    session.inbox.load()
    [review] = session.inbox.thread_reviews("t")
    verdicts = {0: Verdict(Kind.RESPOND, value="A")}
    colleague = Ledger(LedgerFile(session.ledger.file.path))
    colleague.record(review, verdicts, "A", Person("bob", {}))
    assert _state(session) == (State.DECIDED, "human:bob")
    leases = Leases(colleague.file, ["g"])
    leases.register()
    leases.take("t")
    assert _state(session) == (State.APPLYING, "human:bob")
    with colleague.file.transaction() as connection:
        connection.execute("UPDATE workers SET heartbeat_at=0")
    assert _state(session) == (State.UNCERTAIN, "human:bob")
    colleague.file.close()


def test_a_lease_that_runs_out_without_a_commit(session, saver_of, monkeypatch):
    ask(saver_of(session.source.path), "one", "t", {"said": []})
    session.inbox.load()
    [review] = session.inbox.thread_reviews("t")
    session.ledger.record(review, {0: Verdict(Kind.RESPOND, value="A")}, "A", Person("bob", {}))
    leases = Leases(session.ledger.file, ["g"])
    leases.register()
    leases.take("t")
    assert _state(session)[0] is State.APPLYING
    monkeypatch.setattr("hitloop_tui.attach.leases.alive", lambda _: False)
    assert _state(session)[0] is State.UNCERTAIN


def _state(session: Session) -> tuple[State, str | None]:
    session.inbox.refresh()
    [row] = session.inbox.rows()
    assert row.state in OPEN_STATES
    return row.state, row.decided_by


def test_answered_outside_the_console(session, saver_of):
    saver = saver_of(session.source.path)
    ask(saver, "failing", "t", {"said": []})
    questions = {q.value: q.identity.interrupt_id for q in session.source.thread_questions("t")}
    ask(saver, "failing", "t", Command(resume={questions["a1"]: "boom"}))
    [failed] = [r for r in Inbox(session.source, session.ledger).reviews() if r.state != "pending"]
    assert failed.state is State.FAILED
    assert failed.allowed == ()
    assert "ValueError" in failed.detail


def test_a_tool_that_raised_is_the_review_that_was_decided(session, saver_of):
    saver = saver_of(session.source.path)
    ask(saver, "failing", "t", {"said": []})
    [review] = [r for r in session.inbox.reviews() if _asks(r) == "a1"]
    lease = _leased(session, review)
    ask(saver, "failing", "t", Command(resume={review.question.identity.interrupt_id: "boom"}))
    lease("failed", "ValueError('boom a1')")
    [failed] = [r for r in session.inbox.reviews() if _asks(r) == "a1"]
    assert (failed.id, failed.state, failed.decided_by) == (review.id, State.FAILED, "human:bob")
    assert failed.detail == "ValueError('boom a1')"


@pytest.mark.parametrize("outcome", ["failed", "uncertain"])
def test_what_went_wrong_after_the_question_was_answered(session, saver_of, outcome):
    """The node that asks may be done when the tool, in a later node, raises or is killed."""
    saver = saver_of(session.source.path)
    ask(saver, "one", "t", {"said": []})
    session.inbox.load()
    [review] = session.inbox.thread_reviews("t")
    lease = _leased(session, review)
    ask(saver, "one", "t", Command(resume={review.question.identity.interrupt_id: "yes"}))
    assert _state(session) == (State.APPLYING, "human:bob")
    lease(outcome, "the tool raised")
    assert _state(session) == (State(outcome), "human:bob")
    assert anew(session) == session.inbox.rows()
    [shown] = session.inbox.reviews()
    assert (shown.id, shown.actions, shown.allowed) == (review.id, review.actions, ())
    assert shown.verdicts == {0: Verdict(Kind.RESPOND, value="yes")}
    ask(saver, "one", "t", {"said": []})  # somebody took the thread on
    session.inbox.refresh()
    assert [row.state for row in session.inbox.rows()] == [State.PENDING]
    saver.delete_thread("t")
    session.inbox.refresh()
    assert session.inbox.rows() == []


def _asks(review: Review) -> Any:
    return review.actions[0].tool_args["question"]


def _leased(session: Session, review: Review) -> Callable[[str, str], None]:
    """Decide and lease it; how to end the attempt."""
    verdict = Verdict(Kind.RESPOND, value="yes")
    session.ledger.record(review, {0: verdict}, "yes", Person("bob", {}))
    leases = Leases(session.ledger.file, ["g"])
    leases.register()
    [lease] = leases.take(review.thread_id)
    return partial(leases.finish, lease)


def test_rows_are_newest_first_and_whole_reviews_are_read_again(session, saver_of):
    saver = saver_of(session.source.path)
    for number in range(3):
        ask(saver, "one", f"t{number}", {"said": []})
    session.inbox.load()
    rows = session.inbox.rows()
    assert [row.thread_id for row in rows] == ["t2", "t1", "t0"]
    review = session.inbox.review(rows[0].key)
    assert review is not None
    assert review.actions[0].tool_args == {"ask": "one"}
    saver.delete_thread("t2")
    assert session.inbox.review(rows[0].key) is None
