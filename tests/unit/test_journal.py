"""What the journal proves of the rows, and what an older schema keeps."""

from __future__ import annotations

import sqlite3

import pytest

from hitloop_tui.attach import journal, ledger_schema
from hitloop_tui.attach.ledger import Ledger
from hitloop_tui.attach.ledger_file import LedgerFile
from tests.unit.ledger_desk import APPROVE, REJECT, attempt, decide, faults, person, review, worker


class TestJournal:
    @pytest.fixture
    def filled(self, ledger):
        for name in "abcd":
            ledger.record(review(name), {0: APPROVE}, {}, person("ann"))
        leases = worker(ledger)
        for name in "ab":
            [lease] = leases.take(name)
            leases.finish(lease, "applied")
        assert faults(ledger) == []
        return ledger

    @pytest.mark.parametrize(
        ("attack", "told"),
        [
            ("UPDATE decisions SET answer='[1]' WHERE seq=2", "row 2 of decisions was changed"),
            ("DELETE FROM attempts WHERE id=1", "row 1 of attempts was deleted"),
            ("UPDATE attempts SET outcome='failed' WHERE id=2", "row 2 of attempts was changed"),
            (
                "INSERT INTO decisions SELECT 99, 'k', thread_id, identity, graph_id, shape,"
                " digest, review, verdicts, answer, decided_by, account, decided_at,"
                " latency_ms, NULL, NULL"
                " FROM decisions WHERE seq=1",
                "row 99 of decisions was put in",
            ),
            ("DELETE FROM journal WHERE seq=3", "entries 3 to 3 are missing"),
            ("UPDATE journal SET at='2020' WHERE seq=3", "entry was changed"),
            (
                "UPDATE journal SET seq=-1 WHERE seq=2; UPDATE journal SET seq=2 WHERE seq=3;"
                " UPDATE journal SET seq=3 WHERE seq=-1",
                "not in its place",
            ),
        ],
    )
    def test_a_change_is_found(self, filled, attack, told):
        raw = sqlite3.connect(filled.file.path)
        names = raw.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall()
        for (name,) in names:
            raw.execute(f"DROP TRIGGER {name}")
        raw.executescript(attack)
        raw.commit()
        raw.close()
        assert any(told in text for text in faults(filled)), faults(filled)

    def test_a_cut_tail_shows_only_against_a_head_kept_elsewhere(self, filled):
        with filled.file.transaction() as connection:
            kept = journal.head(connection)
        raw = sqlite3.connect(filled.file.path)
        raw.executescript(
            "DROP TRIGGER journal_kept; DROP TRIGGER decisions_kept;"
            "DELETE FROM journal WHERE seq>=3; DELETE FROM attempts;"
            "DELETE FROM unsettled; DELETE FROM decisions WHERE seq>2;"
            "INSERT INTO unsettled SELECT seq FROM decisions"
        )
        raw.close()
        assert faults(filled) == []
        with filled.file.transaction() as connection:
            told = [fault.text for fault in journal.verify(connection, kept)]
        assert told == [f"entries 3 to {kept.seq} were cut off the end"]


SCHEMA_1 = """
CREATE TABLE decisions (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
  thread_id TEXT NOT NULL, identity TEXT NOT NULL, graph_id TEXT, shape TEXT NOT NULL,
  digest TEXT NOT NULL, review TEXT NOT NULL, verdicts TEXT NOT NULL, answer TEXT NOT NULL,
  decided_by TEXT NOT NULL, account TEXT NOT NULL, decided_at TEXT NOT NULL,
  latency_ms REAL NOT NULL) STRICT;
CREATE INDEX decisions_thread ON decisions(thread_id);
CREATE TABLE verdicts (key TEXT NOT NULL, action INTEGER NOT NULL, verdict TEXT NOT NULL,
  decided_by TEXT NOT NULL, account TEXT NOT NULL, decided_at TEXT NOT NULL,
  PRIMARY KEY (key, action)) STRICT, WITHOUT ROWID;
CREATE TABLE workers (id TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL,
  graphs TEXT NOT NULL, started_at REAL NOT NULL, heartbeat_at REAL NOT NULL, stopped_at REAL
) STRICT, WITHOUT ROWID;
CREATE TABLE attempts (id INTEGER PRIMARY KEY AUTOINCREMENT,
  seq INTEGER NOT NULL REFERENCES decisions(seq), thread_id TEXT NOT NULL, worker TEXT NOT NULL,
  started_at TEXT NOT NULL, finished_at TEXT, outcome TEXT, detail TEXT NOT NULL DEFAULT '') STRICT;
CREATE UNIQUE INDEX one_open_attempt ON attempts(seq) WHERE outcome IS NULL;
CREATE INDEX attempts_seq ON attempts(seq, id);
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL,
  thread_id TEXT NOT NULL, graph_id TEXT, kind TEXT NOT NULL, ns TEXT NOT NULL DEFAULT '',
  node TEXT NOT NULL DEFAULT '', task_id TEXT NOT NULL DEFAULT '', attempt INTEGER,
  data TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE INDEX events_thread ON events(thread_id, id);
CREATE TRIGGER decisions_kept BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'no'); END;
CREATE TRIGGER decisions_fixed BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'no'); END;
CREATE TRIGGER verdicts_kept BEFORE DELETE ON verdicts BEGIN SELECT RAISE(ABORT, 'no'); END;
CREATE TRIGGER verdicts_fixed BEFORE UPDATE ON verdicts BEGIN SELECT RAISE(ABORT, 'no'); END;
PRAGMA user_version=1;
"""


def test_a_ledger_of_schema_1_keeps_everything(ledger, tmp_path):
    decide(ledger, "t", "ann")
    attempt(ledger, "failed")
    old = tmp_path / "old.ledger.db"
    raw = sqlite3.connect(old)
    raw.executescript(SCHEMA_1)
    raw.execute("ATTACH ? AS new", (str(ledger.file.path),))
    raw.execute(
        "INSERT INTO decisions SELECT seq, key, thread_id, identity, graph_id, shape, digest,"
        " review, verdicts, answer, decided_by, account, decided_at, latency_ms FROM new.decisions"
    )
    for table in ("workers", "attempts", "events"):
        raw.execute(f"INSERT INTO {table} SELECT * FROM new.{table}")
    raw.execute("INSERT INTO verdicts VALUES ('k', 0, '{}', 'human:ann', '{}', '2026')")
    raw.commit()
    raw.close()
    upgraded = Ledger(LedgerFile(old))
    assert upgraded.records() == ledger.records()
    assert upgraded.file.rows("PRAGMA user_version")[0][0] == ledger_schema.VERSION
    assert upgraded.file.rows("SELECT count(*) FROM verdicts")[0][0] == 1
    assert faults(upgraded) == []
    assert upgraded.record(review(), {0: REJECT}, {}, person("bob")) is not None
    upgraded.file.close()
