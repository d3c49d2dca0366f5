"""From a prefix to the one Review that is meant."""

from __future__ import annotations

import pytest
from langgraph.types import Command

from hitloop_tui.attach.find import Finder
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Identity, Kind, Review, Verdict
from hitloop_tui.attach.session import Session
from hitloop_tui.errors import Ambiguous, BadInput, NotFound
from tests import zoo


@pytest.fixture
def session(zoo_db):
    opened = Session.open(zoo_db)
    yield opened
    opened.close()


def test_any_unique_prefix(session):
    for review in session.inbox.reviews():
        for digits in (16, 40, 64):
            found = Finder(session.inbox).find(f" {review.key[:digits].upper()} ")
            assert isinstance(found, Review)
            assert found.key == review.key
        break


def test_a_prefix_of_several(session):
    reviews = list(session.inbox.reviews())
    assert len(reviews) > 16
    finder = Finder(session.inbox)
    firsts = [review.key[0] for review in reviews]
    digit = max(firsts, key=firsts.count)
    with pytest.raises(Ambiguous, match="give more digits"):
        finder.find(digit)


@pytest.mark.parametrize(
    "garbage", ["", " ", "xyz", "0x12", "../..", "1" * 65, "12 34", "a;b", "é"]
)
def test_garbage(session, garbage):
    with pytest.raises(BadInput, match="is no id"):
        Finder(session.inbox).find(garbage)


@pytest.mark.parametrize("unknown", ["0" * 16, "deadbeef" * 8])
def test_unknown(session, unknown):
    with pytest.raises(NotFound, match="no Review"):
        Finder(session.inbox).find(unknown)


def test_moved_on_and_decided(session, saver_of):
    reviews = {review.thread_id: review for review in session.inbox.reviews()}
    moved, decided = reviews["one-dict"], reviews["one-model"]
    graph = zoo.compiled("one", saver_of(session.source.path))
    answer = {moved.question.identity.interrupt_id: "A"}
    graph.invoke(Command(resume=answer), {"configurable": {"thread_id": "one-dict"}})
    verdicts = {0: Verdict(Kind.RESPOND, value="A")}
    session.ledger.record(decided, verdicts, "A", Person("ann", {}))
    finder = Finder(session.inbox)
    assert finder.find(moved.id[:8]) == moved.question.identity
    assert isinstance(finder.find(moved.id), Identity)
    found = finder.find(decided.id)
    assert isinstance(found, Review)
    assert found.decided_by == "human:ann"
