"""The figures with small numbers, and the checker of histories against histories that are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.figures import attacks, clocks, faults, kills, race, stale, votes
from tests.figures.arena import Arena, Score
from tests.figures.linearizability import Call, linearizable, write_once


@pytest.fixture
def score() -> Iterator[Score]:
    score = Score()
    yield score
    assert score.lines
    assert not score.failed, "\n".join(score.lines)


def test_race(tmp_path: Path, score: Score) -> None:
    race.figure(tmp_path, 30, score, counts=[4])


@pytest.mark.parametrize("point", kills.DECIDING)
def test_killed_deciders(tmp_path: Path, score: Score, point: str) -> None:
    kills.kill_deciders(Arena(tmp_path, "pay"), point, 2, score)


@pytest.mark.parametrize("point", kills.APPLYING)
def test_killed_workers(tmp_path: Path, score: Score, point: str) -> None:
    kills.kill_workers(Arena(tmp_path, "pay"), point, 3, score)


def test_votes(tmp_path: Path, score: Score) -> None:
    votes.votes(Arena(tmp_path, "quorum"), 10, score)


def test_undos(tmp_path: Path, score: Score) -> None:
    votes.undos(Arena(tmp_path, "gate"), 10, score)


@pytest.mark.parametrize(
    "attack", [attacks.answered, attacks.question_rewritten, attacks.exchanged]
)
def test_stale(tmp_path: Path, score: Score, attack: attacks.Attack) -> None:
    stale.run(tmp_path, attack, 1, score)


@pytest.mark.parametrize("what", faults.FAULTS)
def test_faults(tmp_path: Path, score: Score, what: str) -> None:
    tmp_path.chmod(0o755)
    faults.strike(Arena(tmp_path, "pay"), what, faults.FAULTS[what], 8, score, busy_s=0.2)


@pytest.mark.parametrize("what", clocks.HOURS)
def test_clocks(tmp_path: Path, score: Score, what: str) -> None:
    hours = clocks.HOURS[what]
    clocks.too_late(Arena(tmp_path / "late", "due"), hours, 2, score)
    clocks.held(Arena(tmp_path / "held", "pay"), hours, 2, score)
    clocks.dead(Arena(tmp_path / "dead", "pay"), hours, 1, score)


def test_an_accepted_answer_fails_the_figure(tmp_path: Path) -> None:
    score = Score()
    stale.run(tmp_path, attacks.nothing, 1, score, shapes=["plain", "gate"])
    assert [line.split(": accepted: ")[1][:3] for line in score.lines] == ["1/1", "1/1"]
    assert score.failed


def call(by: str, began: float, ended: float, said: str) -> Call:
    return Call(by, began, ended, "approve", said)


@pytest.mark.parametrize(
    ("calls", "right"),
    [
        ([call("a", 0, 1, "recorded"), call("b", 0, 1, "a")], True),
        ([call("a", 0, 2, "recorded"), call("b", 1, 3, "a"), call("c", 0, 1, "a")], True),
        ([call("a", 0, 1, "recorded"), call("b", 0, 1, "recorded")], False),
        ([call("a", 0, 1, "recorded"), call("b", 0, 1, "c")], False),
        ([call("a", 2, 3, "recorded"), call("b", 0, 1, "a")], False),
        ([call("a", 0, 1, "recorded"), call("b", 2, 3, "stale")], False),
        ([call("a", 0, 1, "a"), call("b", 0, 1, "a")], False),
    ],
)
def test_linearizability(calls: list[Call], right: bool) -> None:
    assert linearizable(calls, None, write_once) is right


def test_votes_that_no_order_explains() -> None:
    def right(*said: str) -> bool:
        calls = [
            call(by, 0, 1, word) for by, word in zip(("ann", "Ann ", "bob"), said, strict=True)
        ]
        return linearizable(calls, ((), None), votes.quorum_of_two)

    assert right("recorded", "ann", "recorded")
    assert right("recorded", "bob", "recorded")
    assert not right("recorded", "recorded", "recorded")
    assert not right("recorded", "ann", "ann")
