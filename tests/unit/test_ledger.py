"""One decision per Review, whoever races; what became of it, and what was told on the way."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach.events import Event, events_since, newest_events, write_events
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.recording import FirstAnswer
from hitloop_tui.attach.review import State, Verdict
from tests.unit.ledger_desk import APPROVE, REJECT, decide, part, person, review, worker


def test_the_first_one_wins(ledger):
    assert decide(ledger, "t", "ann") is None
    first = decide(ledger, "t", "bob", REJECT)
    assert first is not None
    assert first.decided_by == "human:ann"
    record = ledger.of_keys([review().key])[review().key]
    assert (record.answer, record.verdicts, record.state) == (
        {"by": "ann"},
        (APPROVE,),
        State.DECIDED,
    )
    assert record.decided_at == first.decided_at


def _race(path: Path, who: str, names: list[str], barrier: Any, told: Any) -> None:
    mine = Ledger(LedgerFile(path))
    barrier.wait()
    told.put((who, [decide(mine, name, who) for name in names]))
    told.close()
    told.join_thread()
    os._exit(0)


def test_processes_race_on_the_same_ids_and_a_new_file(tmp_path):
    """Eight processes, none of which has a ledger yet."""
    fork = multiprocessing.get_context("fork")
    names, count, told = [f"t{n}" for n in range(20)], 8, fork.Queue()
    barrier = fork.Barrier(count)
    path = tmp_path / "a.ledger.db"
    racers = [
        fork.Process(target=_race, args=(path, f"p{n}", names, barrier, told)) for n in range(count)
    ]
    for racer in racers:
        racer.start()
    answers = dict(told.get(timeout=60) for _ in racers)
    for racer in racers:
        racer.join()
    ledger = Ledger(LedgerFile(path))
    records = {record.identity.thread_id: record for record in ledger.records()}
    for position, name in enumerate(names):
        winners = [who for who, said in answers.items() if said[position] is None]
        assert len(winners) == 1
        assert records[name].decided_by == f"human:{winners[0]}"
        losers = [said[position] for said in answers.values() if said[position] is not None]
        assert {first.decided_by for first in losers} == {f"human:{winners[0]}"}
        assert {first.decided_at for first in losers} == {records[name].decided_at}
    assert len(ledger.records()) == len(names)
    ledger.file.close()


def said(ledger: Ledger) -> dict[int, Verdict]:
    return {one.action: one.verdict for one in ledger.said().get(review("b", 3).key, ())}


def test_a_batch_in_parts(ledger):
    assert part(ledger, {1: REJECT}, "ann") == 2
    assert said(ledger) == {1: REJECT}
    assert ledger.first_answer(review("b", 3).key) is None
    taken = part(ledger, {0: APPROVE, 1: APPROVE}, "bob")
    assert isinstance(taken, FirstAnswer)
    assert (taken.decided_by, taken.action) == ("human:ann", 1)
    assert said(ledger) == {1: REJECT}, "all or none"
    assert part(ledger, {0: APPROVE, 2: APPROVE}, "bob") == 0
    [record] = ledger.records()
    assert record.verdicts == (APPROVE, REJECT, APPROVE)
    assert record.decided_by == "human:bob"
    assert ledger.said() == {}
    late = part(ledger, {0: REJECT}, "cy")
    assert isinstance(late, FirstAnswer)
    assert late.decided_by == "human:bob"


def test_a_whole_answer_does_not_overrule_a_part(ledger):
    part(ledger, {1: REJECT}, "ann")
    whole = dict.fromkeys(range(3), APPROVE)
    first = ledger.record(review("b", 3), whole, [], person("bob"))
    assert first is not None
    assert (first.decided_by, first.action) == ("human:ann", 1)
    assert ledger.records() == []
    assert ledger.record(review("b", 3), {**whole, 1: REJECT}, [], person("bob")) is None


def _part_race(path: Path, action: int, barrier: Any, told: Any) -> None:
    mine = Ledger(LedgerFile(path))
    barrier.wait()
    told.put(part(mine, {action: APPROVE}, f"p{action}"))
    told.close()
    told.join_thread()
    os._exit(0)


def test_two_people_complete_a_batch_at_once(tmp_path):
    """Each one's verdict is recorded, and exactly one of them makes the decision."""
    fork = multiprocessing.get_context("fork")
    for attempt in range(8):
        path, barrier, told = tmp_path / f"{attempt}.ledger.db", fork.Barrier(3), fork.Queue()
        racers = [fork.Process(target=_part_race, args=(path, n, barrier, told)) for n in range(3)]
        for racer in racers:
            racer.start()
        assert sorted(told.get(timeout=30) for _ in racers) == [0, 1, 2]
        for racer in racers:
            racer.join()
        ledger = Ledger(LedgerFile(path))
        assert len(ledger.records()) == 1
        ledger.file.close()


def test_an_answer_that_cannot_be_made_records_nothing(ledger):
    def broken(_: Any) -> Any:
        raise ValueError("no such answer")

    part(ledger, {0: APPROVE, 1: APPROVE}, "ann")
    with pytest.raises(ValueError, match="no such answer"):
        ledger.record_part(review("b", 3), {2: APPROVE}, person("bob"), broken)
    assert said(ledger).keys() == {0, 1}


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("applied", State.APPLIED),
        ("failed", State.FAILED),
        ("stale", State.STALE),
        ("uncertain", State.UNCERTAIN),
        ("blocked", State.DECIDED),
    ],
)
def test_states_follow_attempts(ledger, outcome, state):
    decide(ledger, "t", "ann")
    leases = worker(ledger)
    before = ledger.stamp()
    [lease] = leases.take("t")
    assert ledger.records()[0].state is State.APPLYING
    assert ledger.stamp() != before
    before = ledger.stamp()
    leases.finish(lease, outcome, "because")
    [record] = ledger.records()
    assert (record.state, record.detail) == (state, "because")
    assert ledger.stamp() != before


def test_a_dead_worker_leaves_it_uncertain(ledger):
    decide(ledger, "t", "ann")
    leases = worker(ledger)
    leases.take("t")
    leases.retire()
    [record] = ledger.recent()
    assert record.state is State.UNCERTAIN
    assert "died" in record.detail


def test_ids_by_prefix(ledger):
    for number in range(20):
        decide(ledger, f"t{number}", "ann")
    key = ledger.records()[7].key
    assert [record.key for record in ledger.with_prefix(key[:12])] == [key]
    assert ledger.with_prefix("") == ledger.records()


def test_events_are_paged(ledger):
    write_events(ledger.file, [Event(f"t{n % 2}", "custom", data={"n": n}) for n in range(10)])
    assert [e.data["n"] for e in newest_events(ledger.file, 3)] == [7, 8, 9]
    page = events_since(ledger.file, 0, limit=4)
    assert [e.data["n"] for e in page] == [0, 1, 2, 3]
    assert len(events_since(ledger.file, page[-1].id)) == 6
    assert len(events_since(ledger.file, 0, thread_id="t1")) == 5
