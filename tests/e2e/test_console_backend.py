"""Code without LangGraph asks; a person answers in the inbox, like any other Review."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime

import pytest

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.leases import waiting_threads
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, State, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.backends import ConsoleBackend
from hitloop_tui.errors import DatabaseError
from tests.backends.desk import a_request

ANN = Person("ann", {})
BOB = Person("bob", {})
YES, NO = Verdict(Kind.APPROVE), Verdict(Kind.REJECT, reason="no budget")


@pytest.fixture
def db(tmp_path):
    return tmp_path / "agents.db"


@pytest.fixture
def session(db):
    opened = Session.open(db)
    yield opened
    opened.close()


async def asked(backend, request, session, **options):
    """The asking task and the Review it led to."""
    task = asyncio.create_task(backend.request_approval(request, **options))
    for _ in range(200):
        session.inbox.refresh()
        if rows := session.inbox.rows():
            return task, session.inbox.review(rows[0].key)
        await asyncio.sleep(0.01)
    raise AssertionError("nothing in the inbox")


@pytest.mark.parametrize(("verdict", "approved"), [(YES, True), (NO, False)])
async def test_asked_and_answered(db, session, verdict, approved):
    backend, request = ConsoleBackend(db), a_request()
    task, review = await asked(backend, request, session)
    [action] = review.actions
    assert (action.tool_name, action.tool_args) == ("send_email", request.action.tool_args)
    assert (action.risk_class, action.side_effects) == ("high", ("email_sent",))
    assert (action.rationale, action.context_refs) == ("she asked for it", ("doc:1",))
    assert action.description == "the third this week"
    assert action.allowed == (Kind.APPROVE, Kind.REJECT)
    assert (review.reading.policy_name, review.reading.policy_reason) == ("risk_based", "high risk")
    assert (review.thread_id, review.reading.shape) == ("run-1", "stored_request")
    outcome = decide(session.inbox, review, {0: verdict}, ANN)
    assert (outcome.outcome, outcome.detail) == ("recorded", "")
    decision = await asyncio.wait_for(task, 5)
    assert (decision.approved, decision.decided_by) == (approved, "human:ann")
    assert decision.reason == ("Approved" if approved else "no budget")
    assert decision.action_id == request.action.id
    session.inbox.refresh()
    assert session.inbox.rows() == []
    [record] = session.ledger.records()
    assert record.state is State.APPLIED
    kinds = [event.kind for event in session.trace("run-1").poll()]
    assert kinds == ["decision", "applied"]
    assert not db.exists()
    await backend.close()


async def test_the_first_answer_wins(db, session):
    backend = ConsoleBackend(db)
    other = Session.open(db)
    task, review = await asked(backend, a_request(), session)
    other.inbox.load()
    assert decide(session.inbox, review, {0: NO}, ANN).outcome == "recorded"
    second = decide(other.inbox, review, {0: YES}, BOB)
    assert (second.outcome, second.decided_by) == ("already_decided", "human:ann")
    assert not (await task).approved
    other.close()
    await backend.close()


async def test_somebody_answers_over_another_channel(db, session):
    backend = ConsoleBackend(db)
    task, review = await asked(backend, a_request(), session)
    [record] = await backend.recover_pending()
    await backend.resolve(record.callback_id, True, decided_by="slack:bob")
    outcome = decide(session.inbox, review, {0: NO}, ANN)
    assert outcome.outcome == "stale"
    assert (await task).decided_by == "slack:bob"
    await backend.close()


async def test_an_answer_that_comes_second_in_the_store_is_stale_not_applied(db, session):
    """The other channel is faster by a moment: after the console looked, before it gave."""
    backend = ConsoleBackend(db)
    task, review = await asked(backend, a_request(), session)
    [record] = await backend.recover_pending()
    give = session.source.apply

    def late(given):
        asyncio.run_coroutine_threadsafe(
            backend.resolve(record.callback_id, True, decided_by="slack:bob"), loop
        ).result(5)
        return give(given)

    loop = asyncio.get_running_loop()
    session.source.apply = late
    outcome = await asyncio.to_thread(decide, session.inbox, review, {0: NO}, ANN)
    assert outcome.outcome == "recorded"
    [row] = session.ledger.records()
    assert (row.state, row.detail) == (State.STALE, "decided first by slack:bob")
    assert (await task).decided_by == "slack:bob"
    await backend.close()


async def test_a_timeout_takes_it_out_of_the_inbox(db, session):
    backend = ConsoleBackend(db, timeout_seconds=0.3)
    task, review = await asked(backend, a_request(), session)
    assert any("ends as not approved" in warning for warning in review.reading.warnings)
    decision = await task
    assert (decision.decided_by, decision.tags) == ("system:timeout", ["timeout"])
    session.inbox.refresh()
    assert session.inbox.rows() == []
    assert decide(session.inbox, review, {0: YES}, ANN).outcome == "stale"
    await backend.close()


async def test_an_expired_request_of_a_dead_agent_goes_by_itself(db, session):
    backend = ConsoleBackend(db, timeout_seconds=0.3)
    task, _ = await asked(backend, a_request(), session)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0.35)
    session.inbox.refresh()
    assert session.inbox.rows() == []
    await backend.close()


async def test_an_answer_while_the_agent_is_down(db, session):
    backend, request = ConsoleBackend(db), a_request()
    task, review = await asked(backend, request, session)
    task.cancel()
    await asyncio.wait([task])
    await backend.close()
    assert decide(session.inbox, review, {0: YES}, ANN).outcome == "recorded"
    again = ConsoleBackend(db)
    decision = await asyncio.wait_for(again.request_approval(request), 5)
    assert (decision.approved, decision.decided_by) == (True, "human:ann")
    await again.close()


async def test_what_was_recorded_and_not_given_is_given_later(db, session):
    backend = ConsoleBackend(db)
    task, review = await asked(backend, a_request(), session)

    def broken(record):
        raise DatabaseError("disk full")

    session.source.apply = broken
    outcome = decide(session.inbox, review, {0: YES}, ANN)
    assert outcome.outcome == "recorded"
    assert "disk full" in outcome.detail
    assert session.ledger.records()[0].state is State.DECIDED
    after = Session.open(db)
    after.inbox.load()
    assert (await asyncio.wait_for(task, 5)).approved
    assert after.ledger.records()[0].state is State.APPLIED
    assert after.inbox.rows() == []
    after.close()
    await backend.close()


async def test_workers_leave_it_alone(db, session):
    backend = ConsoleBackend(db)
    task, review = await asked(backend, a_request(), session)
    session.source.apply = lambda record: None
    decide(session.inbox, review, {0: YES}, ANN)
    file = session.ledger.file
    assert waiting_threads(file, "w") == []
    task.cancel()
    await asyncio.wait([task])
    await backend.close()


async def test_an_edit_where_the_asking_code_reads_it(db, session):
    backend = ConsoleBackend(db, allow_edit=True, allow_respond=True)
    request = a_request()
    task, review = await asked(backend, request, session)
    assert review.allowed == (Kind.APPROVE, Kind.EDIT, Kind.REJECT, Kind.RESPOND)
    edited = {"to": "ann@example.com", "amount": 1}
    decide(session.inbox, review, {0: Verdict(Kind.EDIT, args=edited)}, ANN)
    decision = await asyncio.wait_for(task, 5)
    assert (decision.approved, decision.edited_args) == (True, edited)
    assert decision.proposed["tool_args"] == request.action.tool_args
    expected = request.action.model_copy(update={"tool_args": edited})
    assert decision.digest == expected.digest()
    await backend.close()


async def test_a_response_is_no_approval(db, session):
    backend = ConsoleBackend(db, allow_respond=True)
    task, review = await asked(backend, a_request(), session)
    decide(session.inbox, review, {0: Verdict(Kind.RESPOND, value="ask me tomorrow")}, ANN)
    decision = await asyncio.wait_for(task, 5)
    assert (decision.approved, decision.response) == (False, "ask me tomorrow")
    await backend.close()


async def test_values_that_json_cannot_say(db, session):
    when = datetime(2026, 1, 2, tzinfo=UTC)
    request = a_request(tool_args={"when": when, "blob": b"x"})
    backend = ConsoleBackend(db, allow_edit=True)
    task, review = await asked(backend, request, session)
    assert review.actions[0].tool_args["when"] == str(when)
    assert Kind.EDIT not in review.allowed
    assert any("JSON" in warning for warning in review.reading.warnings)
    decide(session.inbox, review, {0: YES}, ANN)
    decision = await asyncio.wait_for(task, 5)
    assert (decision.approved, decision.digest) == (True, request.action.digest())
    await backend.close()


async def test_a_request_changed_in_the_file_is_not_approved(db, session):
    """Shown 5, asked 1,000,000, or the other way round: refused where the tool would run."""
    backend = ConsoleBackend(db)
    task, _ = await asked(backend, a_request(), session)
    other = sqlite3.connect(backend.store.path)
    changed = """replace(body, '"amount":5', '"amount":9')"""
    other.execute(f"UPDATE hitloop_approvals SET body = {changed}")
    other.commit()
    other.close()
    session.inbox.load()
    review = session.inbox.review(session.inbox.rows()[0].key)
    assert review.actions[0].tool_args["amount"] == 9
    decide(session.inbox, review, {0: YES}, ANN)
    decision = await asyncio.wait_for(task, 5)
    assert (decision.approved, decision.decided_by) == (False, "system:mismatch")
    await backend.close()


async def test_beside_the_questions_of_graphs(zoo_db, session):
    mixed = Session.open(zoo_db)
    mixed.inbox.load()
    before = len(mixed.inbox.rows())
    assert before > 5
    backend = ConsoleBackend(zoo_db)
    thread = mixed.inbox.rows()[0].thread_id
    tasks = [
        asyncio.create_task(backend.request_approval(a_request(), thread_id=one))
        for one in ("alone", thread)
    ]
    for _ in range(200):
        mixed.inbox.refresh()
        if len(mixed.inbox.rows()) == before + 2:
            break
        await asyncio.sleep(0.01)
    assert len(mixed.inbox.rows()) == before + 2
    newest = Session.open(zoo_db)
    newest.inbox.load_newest(2)
    assert {row.tool for row in newest.inbox.rows()} == {"send_email"}
    for row in newest.inbox.rows():
        review = newest.inbox.review(row.key)
        assert decide(newest.inbox, review, {0: YES}, ANN).outcome == "recorded"
    assert [decision.approved for decision in await asyncio.gather(*tasks)] == [True, True]
    mixed.inbox.refresh()
    assert len(mixed.inbox.rows()) == before
    mixed.close()
    newest.close()
    await backend.close()
