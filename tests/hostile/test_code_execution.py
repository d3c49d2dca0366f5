"""Code in checkpoint rows: a trusting reader runs it, ours show it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.attach.session import Session
from tests.hostile.payloads import CALLS, LC, NAMES, STOCK_RUNS, asked, poisoned, threads
from tests.pilot import questions

RED = Verdict(Kind.RESPOND, value="red")
ROOT = Path(__file__).parents[2]

STOCK = """
import sqlite3, sys
from langgraph.checkpoint.sqlite import SqliteSaver

saver = SqliteSaver(sqlite3.connect(sys.argv[1]))
for thread in sys.argv[2:]:
    try:
        saver.get_tuple({"configurable": {"thread_id": thread}})
    except Exception:
        pass
"""


def python(*words: object, folder: Path, strict: str | None = None) -> str:
    """What a process of its own says, with the payloads' module on its path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    environment.pop("LANGGRAPH_STRICT_MSGPACK", None)
    if strict is not None:
        environment["LANGGRAPH_STRICT_MSGPACK"] = strict
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment,
        cwd=folder,
        timeout=170,
    )
    assert done.returncode in (0, 1, 2, 3), done.stderr
    return done.stdout + (done.stderr if words[0] == "-m" and words[1] == "hitloop_tui" else "")


def ran(folder: Path) -> set[str]:
    return {path.name.removeprefix("ran-") for path in folder.glob("ran-*")}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return poisoned(tmp_path)


@pytest.mark.parametrize("column", ["interrupt", "resume", "error", "channel", "checkpoint"])
def test_a_trusting_reader_runs_them(db, column):
    """Else the other tests could not fail."""
    python("-c", STOCK, db, *(t for t, where, _ in threads() if where == column), folder=db.parent)
    wanted = {f"{column}-{name}" for name in STOCK_RUNS - {"import"}} | {"import"}
    late = time.monotonic() + 10
    while ran(db.parent) != wanted and time.monotonic() < late:
        time.sleep(0.05)  # two of them start a process and do not wait
    assert ran(db.parent) == wanted


def test_every_reader_of_ours_shows_them_and_runs_none(db, tmp_path):
    harmless = asked(tmp_path / "harmless")
    told = json.loads(
        python("-m", "tests.hostile.reading", harmless, db, folder=db.parent).splitlines()[-1]
    )
    assert told["imported"] == []
    assert told["called"] == []
    assert ran(db.parent) == set()
    [said] = told["said"]
    for name in CALLS:
        assert ".".join(CALLS[name][1:3]) in said
    assert said.count("os.system, which a program that trusts the database would call") > 2
    assert "stored as pickle, which is never loaded here" in said


def test_each_is_shown_as_data_and_hides_nothing(db):
    session = Session.open(db)
    session.inbox.load()
    rows = {row.thread_id for row in session.inbox.rows()}
    reviews = {review.thread_id: review for review in session.inbox.reviews()}
    session.close()
    wanted = {thread for thread, _, _ in threads()} | {f"ledger-{name}" for name in NAMES}
    assert rows == reviews.keys() == wanted
    for name in CALLS:
        value = str(reviews[f"interrupt-{name}"].actions[0].tool_args)
        assert f"'__type__': '{CALLS[name][1]}.{CALLS[name][2]}'" in value
    for name in (*LC, "pickle"):
        assert reviews[f"interrupt-{name}"].allowed == ()
        assert "cannot be read" in reviews[f"interrupt-{name}"].reading.warnings[0]


GRAPH = """
from tests.pilot.questions import _builder
graph = _builder()
"""


def test_a_worker_runs_none_of_them(db):
    folder = db.parent
    (folder / "asking.py").write_text(GRAPH)
    session = Session.open(db)
    answered = set()
    for review in list(session.inbox.reviews()):
        if review.allowed:
            outcome = decide(session.inbox, review, {0: RED}, Person("ann", {}))
            assert outcome.outcome == "recorded", outcome
            answered.add(review.thread_id)
    session.close()
    assert {f"{column}-os-system" for column in ("interrupt", "checkpoint", "channel")} <= answered
    said = python(
        "-m", "hitloop_tui", "worker", db, "--once", "--graph", "g=asking.py:graph", folder=folder
    )
    assert ran(folder) == set()
    assert "is not a type of the loaded graphs" in said
    session = Session.open(db)
    now = {review.thread_id: review for review in session.inbox.reviews()}
    session.close()
    for name in ("checkpoint-pickle", "resume-pickle", "checkpoint-lc-1-model"):
        assert "the thread's state cannot be read by graph g: " in now[name].detail
    assert not now.keys() & {f"interrupt-{name}" for name in CALLS}  # applied: it was but shown


EARLY = "import langgraph.checkpoint.serde.jsonplus\n"


@pytest.mark.parametrize("early", [False, True])
def test_a_worker_that_data_could_run_code_in_does_not_start(tmp_path, early):
    """Something of the environment imported LangGraph before the worker could be strict."""
    questions.ask(tmp_path / "agents.db", {"t": "?"})
    (tmp_path / "asking.py").write_text(GRAPH)
    if early:
        (tmp_path / "sitecustomize.py").write_text(EARLY)
    words = ("-m", "hitloop_tui", "worker", "agents.db", "--once", "--graph", "g=asking.py:graph")
    said = python(*words, folder=tmp_path)
    assert ("could run code in this worker" in said) is early
    if not early:
        assert "strict decoding is off" in python(*words, folder=tmp_path, strict="false")
