"""One decision per Review, whoever races and wherever a process dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hitloop_tui.attach import ledger_file
from hitloop_tui.attach.events import Event, events_since, newest_events, write_events
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.recording import FirstAnswer
from hitloop_tui.attach.review import (
    Identity,
    Kind,
    Question,
    Reading,
    Review,
    ReviewAction,
    State,
    Verdict,
)
from hitloop_tui.errors import DatabaseError

APPROVE, REJECT = Verdict(Kind.APPROVE), Verdict(Kind.REJECT, reason="no")


def review(name: str = "t", actions: int = 1) -> Review:
    identity = Identity(name, "", "c", "task", "0" * 32, 0)
    question = Question(identity, {}, None, "digest", datetime(2026, 1, 1, tzinfo=UTC))
    action = ReviewAction("tool", {"x": 1}, allowed=tuple(Kind))
    return Review(question, Reading("free_form", (action,) * actions))


def person(name: str) -> Person:
    return Person(name, {"uid": 0})


def decide(ledger: Ledger, name: str, who: str, verdict: Verdict = APPROVE) -> FirstAnswer | None:
    return ledger.record(review(name), {0: verdict}, {"by": who}, person(who))


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(LedgerFile(tmp_path / "a.ledger.db"))
    yield opened
    opened.file.close()


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


def part(ledger: Ledger, verdicts: dict[int, Verdict], who: str) -> FirstAnswer | int:
    return ledger.record_part(
        review("b", 3), verdicts, person(who), lambda ballot: list(ballot.known)
    )


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


_RECORDING = """
import sys
from pathlib import Path
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from test_ledger import decide, part
ledger = Ledger(LedgerFile(Path(sys.argv[1])))
for number in range(int(sys.argv[2]), 100_000):
    assert decide(ledger, f"t{number}", "ann") is None
    print(f"t{number}", flush=True)
"""


def test_killed_at_any_moment_loses_nothing_reported(tmp_path):
    path, reported, start = tmp_path / "a.ledger.db", set(), 0
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    for round_ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", _RECORDING, str(path), str(start)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert child.stdout is not None
        reported.add(child.stdout.readline().strip())
        time.sleep(0.013 * (round_ + 1))
        child.send_signal(signal.SIGKILL)
        reported |= {line.strip() for line in child.stdout if line.endswith("\n")}
        child.stdout.close()
        child.wait()
        ledger = Ledger(LedgerFile(path))
        found = {record.identity.thread_id for record in ledger.records()}
        assert reported <= found
        assert ledger.file.rows("PRAGMA integrity_check")[0][0] == "ok"
        ledger.file.close()
        start = len(found) + 1
    assert len(reported) > 6


def test_appended_rows_stay_as_they_are(ledger):
    decide(ledger, "t", "ann")
    part(ledger, {0: APPROVE}, "ann")
    for statement in (
        "UPDATE decisions SET decided_by='bob'",
        "DELETE FROM decisions",
        "UPDATE verdicts SET decided_by='bob'",
        "DELETE FROM verdicts",
    ):
        with (
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
            ledger.file.transaction() as connection,
        ):
            connection.execute(statement)


def test_reading_creates_nothing(ledger):
    assert ledger.records() == []
    assert ledger.recent() == []
    assert ledger.said() == {}
    assert ledger.first_answer("x") is None
    assert ledger.file.data_version() == -1
    assert not ledger.file.path.exists()


def test_a_locked_ledger_says_so(ledger, monkeypatch):
    decide(ledger, "t", "ann")
    monkeypatch.setattr(ledger_file, "BUSY_TIMEOUT_S", 0.1)
    other = Ledger(LedgerFile(ledger.file.path))
    with (
        ledger.file.transaction(),
        pytest.raises(DatabaseError, match=r"a\.ledger\.db: database is locked"),
    ):
        decide(other, "u", "bob")
    assert decide(other, "u", "bob") is None
    other.file.close()


def test_a_newer_schema_is_refused(ledger):
    decide(ledger, "t", "ann")
    ledger.file.close()
    with sqlite3.connect(ledger.file.path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(DatabaseError, match=r"has schema 99.*upgrade hitloop-tui"):
        ledger.records()


@pytest.mark.parametrize("user_version", [0, 5])
def test_another_programs_database_is_left_alone(tmp_path, user_version):
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE cooks (name)")
        connection.execute(f"PRAGMA user_version={user_version}")
    connection.close()
    before = path.read_bytes()
    ledger = Ledger(LedgerFile(path))
    with pytest.raises(DatabaseError, match=r"another program's database|has schema 5"):
        decide(ledger, "t", "ann")
    ledger.file.close()
    assert path.read_bytes() == before


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "a.db").write_text("no database, but longer than a header " * 9)
    with pytest.raises(DatabaseError, match="not a database"):
        Ledger(LedgerFile(tmp_path / "a.db")).records()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DatabaseError, match="No such file"):
        decide(Ledger(LedgerFile(tmp_path / "missing" / "a.db")), "t", "ann")


def test_a_removed_ledger_takes_no_decisions_into_nowhere(ledger):
    decide(ledger, "t", "ann")
    version = ledger.file.data_version()
    for rest in ledger.file.path.parent.glob("a.ledger.db*"):
        rest.unlink()
    assert ledger.records() == []
    assert decide(ledger, "u", "ann") is None
    assert ledger.file.data_version() != version
    other = Ledger(LedgerFile(ledger.file.path))
    assert [record.identity.thread_id for record in other.records()] == ["u"]
    other.file.close()


def test_access_follows_the_database_and_never_the_world(tmp_path):
    for mode, expected in ((0o664, 0o660), (0o600, 0o600), (0o644, 0o640)):
        db = tmp_path / f"{mode:o}.db"
        db.touch()
        db.chmod(mode)
        file = LedgerFile(tmp_path / f"{mode:o}.ledger.db", beside=db)
        decide(Ledger(file), "t", "ann")
        file.close()
        assert file.path.stat().st_mode & 0o777 == expected


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
    leases = Leases(ledger.file, ["g"])
    leases.register()
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
    leases = Leases(ledger.file, ["g"])
    leases.register()
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
