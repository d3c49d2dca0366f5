"""Checkpoint files of older versions and other programs, broken, read-only, hostile."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.review import Question
from hitloop_tui.errors import DatabaseError
from tests.unprivileged import as_somebody

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("version", ["1.0.10", "1.2.10"])
def test_databases_of_older_versions(tmp_path, version):
    """Without `task_path`, and with one interrupt id for all questions of a task."""
    told = json.loads((DATA / f"langgraph-{version}.json").read_text())
    path = Path(shutil.copy(DATA / f"langgraph-{version}.sqlite", tmp_path / "old.db"))
    before = path.read_bytes()
    source = Checkpoints(path)
    found: dict[str, dict[str, Question]] = {}
    for question in source.questions():
        found.setdefault(question.identity.thread_id, {})[str(question.value)] = question
    ids = {t: {v: q.identity.interrupt_id for v, q in by.items()} for t, by in found.items()}
    assert ids.pop("flow").items() >= told.pop("flow").items()
    assert ids == {thread: by for thread, by in told.items() if by}
    assert found["twice"]["second"].identity.answers == 1
    assert found["subgraph"]["second"].identity.answers == 1
    assert [q.answered for q in found["failed"].values()] == [True]
    assert not any(q.answered for t, by in found.items() if t != "failed" for q in by.values())
    source.close()
    assert path.read_bytes() == before


def test_the_schema_is_not_migrated(tmp_path):
    path = Path(shutil.copy(DATA / "langgraph-1.0.10.sqlite", tmp_path / "old.db"))
    source = Checkpoints(path)
    assert list(source.questions())
    assert "task_path" not in {r["name"] for r in source.rows("PRAGMA table_info(writes)")}
    with pytest.raises(DatabaseError, match="readonly"):
        source.rows("DELETE FROM writes")
    source.close()


def test_missing_empty_foreign_and_broken_files(tmp_path):
    source = Checkpoints(tmp_path / "agents.db")
    assert list(source.questions()) == []
    source.path.touch()
    assert list(source.questions()) == []
    source.path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        list(source.questions())
    source.path.unlink()
    with sqlite3.connect(source.path) as other:
        other.execute("CREATE TABLE cooks (name)")
    other.close()
    with pytest.raises(DatabaseError, match="no LangGraph checkpoint database"):
        list(source.questions())
    source.close()


def test_a_folder_that_may_not_be_written_to(zoo_db):
    """SQLite cannot make its -shm there, and nobody can be writing either."""
    folder = zoo_db.parent
    told = len(list(Checkpoints(zoo_db).questions()))
    for rest in (*folder.glob("*-wal"), *folder.glob("*-shm")):
        rest.unlink()
    zoo_db.chmod(0o444)
    folder.chmod(0o555)
    script = (
        "from pathlib import Path; from hitloop_tui.attach.checkpoints import Checkpoints\n"
        f"source = Checkpoints(Path({str(zoo_db)!r}))\n"
        "print(*[len(list(source.questions())) for _ in range(2)])"
    )
    done = as_somebody(script, folder)
    folder.chmod(0o755)
    assert (done.stdout, done.stderr) == (f"{told} {told}\n", "")


def test_hostile_columns_hide_nothing(zoo_db):
    source = Checkpoints(zoo_db)
    whole = {q.identity.key for q in source.questions()}
    source.close()
    with sqlite3.connect(zoo_db) as connection:
        into = "INSERT INTO writes (thread_id, checkpoint_id, task_id, idx, channel, type, value)"
        row = f"{into} VALUES (?,?,?,-3,'__interrupt__',?,?)"
        head = "INSERT INTO checkpoints VALUES (?,'',?,NULL,'msgpack',?,?)"
        for thread, kind, value in [
            (b"\xff\x00", "msgpack", b"\xc1"),
            ("bad-text", 7, 5),
            ("bad-json", "json", b"[" * 9999),
            ("pickle", "pickle", b"cos\nsystem\n."),
            ("claim", "msgpack", b"\xdd\xff\xff\xff\xff"),
            ("deep", "msgpack", b"\x91" * 900 + b"\xc0"),
            ("str", "msgpack", "text"),
        ]:
            connection.execute(head, (thread, "1", b"\x80", "nonsense"))
            connection.execute(row, (thread, "1", b"\x01", kind, value))
        connection.execute(
            "INSERT INTO checkpoints VALUES (CAST(x'ff' AS TEXT),'','1',NULL,'x','','[1]')"
        )
        connection.execute(
            f"{into} VALUES (CAST(x'ff' AS TEXT),'1','t',-3,'__interrupt__','msgpack',x'c1')"
        )
    connection.close()
    found = list(source.questions())
    assert whole < {q.identity.key for q in found}
    hostile = [q for q in found if q.identity.key not in whole]
    assert len(hostile) == 8
    assert all(q.undecodable for q in hostile)
    events, _ = source.events_since(None)
    assert events
    source.asked_before("0")
    for question in found:
        source.messages(question.identity.thread_id, 3)
        source.metadata(question.identity.thread_id)
    source.close()
