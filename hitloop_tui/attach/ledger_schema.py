"""The ledger's tables. `user_version` counts the schema; a newer one is refused, not guessed at."""

from __future__ import annotations

VERSION = 1

SCHEMA = """
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,            -- Identity.key: one decision per Review, the first one wins
  thread_id TEXT NOT NULL,
  identity TEXT NOT NULL,              -- JSON of Identity
  graph_id TEXT,
  shape TEXT NOT NULL,
  digest TEXT NOT NULL,                -- Question.digest: what was shown
  review TEXT NOT NULL,                -- JSON of the Review as decided
  verdicts TEXT NOT NULL,              -- JSON list, one per Action
  answer TEXT NOT NULL,                -- JSON: the value the thread will get
  decided_by TEXT NOT NULL,            -- human:NAME, as stated
  account TEXT NOT NULL,               -- JSON: what the system says of the person
  decided_at TEXT NOT NULL,            -- ISO 8601, UTC
  latency_ms REAL NOT NULL
) STRICT;
CREATE INDEX decisions_thread ON decisions(thread_id);

CREATE TABLE verdicts (                -- one Action of several; complete sets become a decision
  key TEXT NOT NULL,
  action INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  account TEXT NOT NULL,
  decided_at TEXT NOT NULL,
  PRIMARY KEY (key, action)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  graphs TEXT NOT NULL,                -- JSON list of names
  started_at REAL NOT NULL,
  heartbeat_at REAL NOT NULL,
  stopped_at REAL
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (                -- open (outcome NULL): its worker's lease on the thread
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  seq INTEGER NOT NULL REFERENCES decisions(seq),
  thread_id TEXT NOT NULL,
  worker TEXT NOT NULL,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  outcome TEXT,                        -- applied, failed, stale, uncertain, blocked
  detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX one_open_attempt ON attempts(seq) WHERE outcome IS NULL;
CREATE INDEX attempts_seq ON attempts(seq, id);

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,                    -- seconds since the epoch
  thread_id TEXT NOT NULL,
  graph_id TEXT,
  kind TEXT NOT NULL,
  ns TEXT NOT NULL DEFAULT '',
  node TEXT NOT NULL DEFAULT '',
  task_id TEXT NOT NULL DEFAULT '',
  attempt INTEGER,
  data TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX events_thread ON events(thread_id, id);

CREATE TRIGGER decisions_kept BEFORE DELETE ON decisions
  BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER decisions_fixed BEFORE UPDATE ON decisions
  BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER verdicts_kept BEFORE DELETE ON verdicts
  BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
CREATE TRIGGER verdicts_fixed BEFORE UPDATE ON verdicts
  BEGIN SELECT RAISE(ABORT, 'verdicts are append-only'); END;
"""
