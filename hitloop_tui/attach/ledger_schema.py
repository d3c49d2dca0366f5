"""The ledger's tables. `user_version` counts the schema; a newer one is refused, not guessed at."""

from __future__ import annotations

VERSION = 2

DECISIONS = """
CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,                   -- Identity.key: one standing decision per Review
  thread_id TEXT NOT NULL,
  identity TEXT NOT NULL,              -- JSON of Identity
  graph_id TEXT,
  shape TEXT NOT NULL,
  digest TEXT NOT NULL,                -- Question.digest: what was shown
  review TEXT NOT NULL,                -- JSON of the Review as decided
  verdicts TEXT NOT NULL,              -- JSON list, one per Action
  answer TEXT NOT NULL,                -- JSON: the value the thread will get
  decided_by TEXT NOT NULL,            -- human:NAME, as stated; system:timeout for a deadline
  account TEXT NOT NULL,               -- JSON: what the system says of the person
  decided_at TEXT NOT NULL,            -- ISO 8601, UTC
  latency_ms REAL NOT NULL,
  held_until TEXT,                     -- ISO 8601, UTC: no worker takes it before; NULL: at once
  signature TEXT                       -- by `ssh-keygen -Y sign`, over what is decided
) STRICT;
CREATE INDEX decisions_key ON decisions(key);
CREATE INDEX decisions_thread ON decisions(thread_id);
"""

VERDICTS = """
CREATE TABLE verdicts (                -- one person's word on one Action
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,
  round INTEGER NOT NULL,              -- how many decisions on the Review were withdrawn before
  digest TEXT NOT NULL,                -- Question.digest: the word counts for this content only
  action INTEGER NOT NULL,             -- from 0
  verdict TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  account TEXT NOT NULL,
  decided_at TEXT NOT NULL,
  signed TEXT,                         -- JSON: this person's answer with its signature
  UNIQUE (key, round, digest, action, decided_by)
) STRICT;
"""

ATTEMPTS = """
CREATE TABLE workers (
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  graphs TEXT NOT NULL,                -- JSON: names, and where each one stops by itself
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
"""

ACTS = """
CREATE TABLE withdrawals (             -- decisions taken back: the Review can be decided anew
  seq INTEGER PRIMARY KEY REFERENCES decisions(seq),
  how TEXT NOT NULL,                   -- undo, clear, dismiss
  by TEXT NOT NULL,
  account TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;

CREATE TABLE orders (                  -- what a person ordered about a Review that did not go well
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,                  -- retry, clear, done, dismiss
  key TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  identity TEXT NOT NULL,              -- JSON of Identity
  seq INTEGER REFERENCES decisions(seq),  -- NULL: the answer was not ours
  after_attempt INTEGER NOT NULL,      -- the decision's last attempt then; 0 without one
  by TEXT NOT NULL,
  account TEXT NOT NULL,
  at TEXT NOT NULL,
  worker TEXT,                         -- who carries it out, where a worker must
  finished_at TEXT,
  outcome TEXT,                        -- applied, failed, stale, uncertain, blocked
  detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX one_open_order ON orders(key) WHERE outcome IS NULL;
CREATE INDEX orders_key ON orders(key, id);
CREATE INDEX orders_seq ON orders(seq, id);

CREATE TABLE escalations (             -- deadlines that passed where the policy wants more eyes
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL
) STRICT;

CREATE TABLE claims (                  -- somebody is looking at it: a courtesy, not a lock
  key TEXT PRIMARY KEY,
  by TEXT NOT NULL,
  at TEXT NOT NULL,
  until TEXT NOT NULL                  -- ISO 8601, UTC
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (                 -- every row above but workers, events and claims, chained
  seq INTEGER PRIMARY KEY,             -- 1, 2, 3, ... without gaps
  at TEXT NOT NULL,
  kind TEXT NOT NULL,                  -- see journal.SEALED
  ref INTEGER NOT NULL,                -- the row it is about
  content TEXT NOT NULL,               -- SHA-256 of that row's columns
  hash TEXT NOT NULL                   -- SHA-256 of the hash before and the columns above
) STRICT;
"""

UNSETTLED = """
CREATE TABLE unsettled (               -- decisions not over: what nearly every look is about
  seq INTEGER PRIMARY KEY REFERENCES decisions(seq)
) STRICT;
CREATE TRIGGER decided AFTER INSERT ON decisions
  BEGIN INSERT INTO unsettled VALUES (NEW.seq); END;
CREATE TRIGGER given AFTER INSERT ON attempts WHEN NEW.outcome='applied'
  BEGIN DELETE FROM unsettled WHERE seq=NEW.seq; END;
CREATE TRIGGER applied AFTER UPDATE OF outcome ON attempts WHEN NEW.outcome='applied'
  BEGIN DELETE FROM unsettled WHERE seq=NEW.seq; END;
CREATE TRIGGER withdrawn AFTER INSERT ON withdrawals
  BEGIN DELETE FROM unsettled WHERE seq=NEW.seq; END;
CREATE TRIGGER closed AFTER INSERT ON orders WHEN NEW.kind IN ('done','dismiss')
  BEGIN DELETE FROM unsettled WHERE seq=NEW.seq; END;
"""

_APPEND_ONLY = ("decisions", "verdicts", "withdrawals", "escalations", "journal")

TRIGGERS = """
CREATE TRIGGER one_standing_decision BEFORE INSERT ON decisions
 WHEN EXISTS (SELECT 1 FROM decisions d WHERE d.key=NEW.key
                 AND d.seq NOT IN (SELECT seq FROM withdrawals))
  BEGIN SELECT RAISE(ABORT, 'this Review is decided'); END;
""" + "".join(
    f"CREATE TRIGGER {table}_{name} BEFORE {act} ON {table}"
    f" BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END;\n"
    for table in _APPEND_ONLY
    for name, act in (("kept", "DELETE"), ("fixed", "UPDATE"))
)

SCHEMA = DECISIONS + VERDICTS + ATTEMPTS + ACTS + UNSETTLED + TRIGGERS

TABLES_1 = ("decisions", "workers", "attempts", "events", "verdicts")
"""Tables of schema 1. Each has all its columns here, too, but `verdicts`."""
