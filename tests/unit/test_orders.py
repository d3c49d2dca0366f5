"""Undo, retry, clear, done, dismiss and claims: who may, when, and what is left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hitloop_tui.attach import ledger_clock, orders
from hitloop_tui.attach.ledger import RECENT, Ledger
from hitloop_tui.attach.order_leases import ordered_threads, take_order
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recorded import with_record
from hitloop_tui.attach.recording import FirstAnswer
from hitloop_tui.attach.review import Act, Kind, Review, State, Verdict
from hitloop_tui.errors import Conflict, InvalidVerdict
from tests.unit.ledger_desk import APPROVE, REJECT, attempt, faults, review, worker

ANN, BOB, CY = (Person(name, {"uid": 0}) for name in ("ann", "bob", "cy"))


def shown(ledger: Ledger, name: str = "t") -> Review:
    """The Review as the inbox would show it."""
    return with_record(review(name), ledger.of_keys([review(name).key])[review(name).key])


def decide(ledger: Ledger, person: Person = ANN, hold_s: float = 0.0) -> FirstAnswer | None:
    return ledger.record(review(), {0: APPROVE}, {"by": person.name}, person, hold_s=hold_s)


class TestUndo:
    def test_a_held_decision_is_taken_back_and_can_be_made_anew(self, ledger):
        decide(ledger, hold_s=60)
        assert shown(ledger).state is State.HELD
        assert shown(ledger).acts == (Act.UNDO,)
        orders.undo(ledger, shown(ledger), BOB)
        assert ledger.first_answer(review().key) is None
        assert decide(ledger, BOB) is None
        assert [record.decided_by for record in ledger.records()] == ["human:bob"]
        assert faults(ledger) == []

    def test_no_worker_takes_a_held_one(self, ledger):
        decide(ledger, hold_s=60)
        leases = worker(ledger)
        assert leases.take("t") == []

    def test_after_the_hold_it_is_too_late(self, ledger, monkeypatch):
        decide(ledger, hold_s=0.001)
        before = shown(ledger)
        monkeypatch.setattr(ledger_clock, "now", lambda: ledger_clock.later(1))
        monkeypatch.setattr("hitloop_tui.attach.ledger_clock.now", lambda: ledger_clock.later(1))
        with pytest.raises(Conflict, match="decided by now"):
            orders.undo(ledger, replace(before, state=State.HELD), ANN)

    def test_a_clock_that_was_set_back_ends_the_hold(self, ledger, monkeypatch):
        decide(ledger, hold_s=60)
        monkeypatch.setattr(
            "hitloop_tui.attach.leases.now", lambda: "2020-01-01T00:00:00.000+00:00"
        )
        leases = worker(ledger)
        assert len(leases.take("t")) == 1

    def test_a_leased_one_stays(self, ledger):
        decide(ledger)
        leases = worker(ledger)
        leases.take("t")
        with pytest.raises(Conflict, match="applying by now"):
            orders.undo(ledger, shown(ledger), ANN)


class TestOrders:
    def test_a_retry_makes_a_failed_decision_wait_again_once(self, ledger):
        decide(ledger)
        attempt(ledger, "failed")
        assert shown(ledger).acts == (Act.RETRY, Act.CLEAR)
        before = shown(ledger)
        orders.order(ledger, before, Act.RETRY, BOB)
        assert shown(ledger).state is State.DECIDED
        assert shown(ledger).detail == "human:bob ordered a retry"
        with pytest.raises(Conflict):
            orders.order(ledger, before, Act.RETRY, CY)
        attempt(ledger, "applied")
        assert shown(ledger).state is State.APPLIED
        assert faults(ledger) == []

    def test_a_retry_of_a_dead_workers_attempt(self, ledger):
        decide(ledger)
        leases = worker(ledger)
        [lease] = leases.take("t")
        leases.retire()
        assert shown(ledger).state is State.UNCERTAIN
        orders.order(ledger, shown(ledger), Act.RETRY, BOB)
        leases.finish(lease, "applied")  # the dead one was only asleep
        assert shown(ledger).state is State.DECIDED
        attempt(ledger, "applied")
        assert shown(ledger).state is State.APPLIED
        assert faults(ledger) == []

    def test_done_and_dismissed_are_over(self, ledger):
        for outcome, act in (("uncertain", Act.DONE), ("stale", Act.DISMISS)):
            name = outcome
            ledger.record(review(name), {0: APPROVE}, {}, ANN)
            leases = worker(ledger)
            [lease] = leases.take(name)
            leases.finish(lease, outcome)
            assert not ledger.of_keys([review(name).key])[review(name).key].over
            orders.order(ledger, shown(ledger, name), act, BOB)
            record = ledger.of_keys([review(name).key])[review(name).key]
            assert record.over
        assert "marked done by human:bob" in shown(ledger, "uncertain").detail

    def test_a_clear_waits_for_a_worker_and_admits_no_second_order(self, ledger):
        decide(ledger)
        attempt(ledger, "failed")
        before = shown(ledger)
        orders.order(ledger, before, Act.CLEAR, BOB)
        assert shown(ledger).acts == ()
        assert "waiting for a worker" in shown(ledger).detail
        with pytest.raises(Conflict, match="waiting for a worker"):
            orders.order(ledger, before, Act.RETRY, CY)

    @pytest.mark.parametrize(
        "garbled", ["identity='{'", "identity='[]'", "kind='burn'", "account='{'"]
    )
    def test_an_order_that_cannot_be_read_fails_once_and_can_be_given_again(self, ledger, garbled):
        decide(ledger)
        attempt(ledger, "failed")
        orders.order(ledger, shown(ledger), Act.CLEAR, ANN)
        with ledger.file.transaction() as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.execute(f"UPDATE orders SET {garbled}")
        leases = worker(ledger)
        assert take_order(ledger.file, leases.worker, "t") is None
        assert ordered_threads(ledger.file) == []
        [told] = ledger.file.rows("SELECT detail FROM orders WHERE outcome='failed'")
        assert "cannot be read" in told["detail"]
        orders.order(ledger, shown(ledger), Act.CLEAR, ANN)
        assert take_order(ledger.file, leases.worker, "t").kind is Act.CLEAR

    def test_what_a_person_closed_is_remembered_as_long_as_its_thread_may_ask(self, ledger):
        decide(ledger)
        attempt(ledger, "uncertain")
        orders.order(ledger, shown(ledger), Act.DONE, BOB)
        for number in range(RECENT):
            ledger.record(review(f"later-{number}"), {0: APPROVE}, {}, ANN)
        assert review().key in [record.key for record in ledger.recent() if record.over]


class TestQuorum:
    def vote(self, ledger, person, verdict=APPROVE, digest="digest"):
        return ledger.record_part(
            review(quorum=2, digest=digest), {0: verdict}, person, lambda b: list(b.approved_by)
        )

    def test_two_different_people(self, ledger):
        assert self.vote(ledger, ANN) == 1
        again = self.vote(ledger, Person(" ANN ", {}))
        assert isinstance(again, FirstAnswer)
        assert ledger.first_answer(review().key) is None
        assert self.vote(ledger, BOB) == 0
        [record] = ledger.records()
        assert record.answer == ["human:ann", "human:bob"]
        assert faults(ledger) == []

    def test_any_reject_wins(self, ledger):
        self.vote(ledger, ANN)
        assert self.vote(ledger, BOB, REJECT) == 0
        [record] = ledger.records()
        assert record.verdicts == (REJECT,)

    def test_they_must_mean_the_same(self, ledger):
        self.vote(ledger, ANN, Verdict(Kind.EDIT, args={"x": 2}))
        with pytest.raises(InvalidVerdict, match="other arguments"):
            self.vote(ledger, BOB)
        assert self.vote(ledger, BOB, Verdict(Kind.EDIT, args={"x": 2})) == 0

    def test_words_on_other_content_do_not_count(self, ledger):
        assert self.vote(ledger, ANN, digest="before") == 1
        assert self.vote(ledger, BOB) == 1
        assert self.vote(ledger, CY) == 0

    def test_an_undo_makes_all_words_void(self, ledger):
        self.vote(ledger, ANN)
        ledger.record_part(review(quorum=2), {0: APPROVE}, BOB, lambda _b: {}, hold_s=60)
        orders.undo(ledger, shown(ledger), BOB)
        assert ledger.said() == {}
        assert self.vote(ledger, ANN) == 1


class TestClaims:
    def test_one_looks_the_others_are_told(self, ledger):
        assert orders.claim(ledger, "k", ANN, 60) is None
        assert orders.claim(ledger, "k", ANN, 60) is None, "renewed"
        taken = orders.claim(ledger, "k", BOB, 60)
        assert taken is not None
        assert taken.by == "human:ann"
        orders.release(ledger, "k", BOB)
        assert ledger.claims()["k"].by == "human:ann"
        orders.release(ledger, "k", ANN)
        assert orders.claim(ledger, "k", BOB, 60) is None

    def test_they_expire(self, ledger):
        orders.claim(ledger, "k", ANN, -1)
        assert ledger.claims() == {}
        assert orders.claim(ledger, "k", BOB, 60) is None
