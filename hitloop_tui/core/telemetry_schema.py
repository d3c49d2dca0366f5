"""The tables of the telemetry, and how their file is opened.

Other programs may read the tables while agents write (WAL). `trace_events.id` only ever grows and
is the order in which events became durable; within one process it is also the order in which they
were logged. A reader follows the file by asking for ids above the last one it saw.

    trace_events  id, timestamp (ISO 8601, UTC), run_id, event_type, payload (JSON object)
    runs          one row per run_id: what `RunMetadata` holds; finished_at NULL while it runs

They are hitloop 0.5's tables, column by column, so that its files can be read and continued.
The payload of `action_proposed` says whether an error was injected, and `injected_error` events say
nothing else: who shows telemetry to a person under study must leave both out.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress

BUSY_TIMEOUT_S = 30.0
MEMORY = ":memory:"

SCHEMA = """
CREATE TABLE IF NOT EXISTS trace_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  timestamp TEXT NOT NULL,
  run_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  payload TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trace_events_run ON trace_events(run_id, id);
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL UNIQUE,
  scenario_id TEXT,
  condition_id TEXT,
  agent_version TEXT,
  model TEXT,
  seed INTEGER,
  started_at TEXT NOT NULL,
  finished_at TEXT,
  task_success INTEGER,
  validation_details TEXT
);
"""
TABLES = (
    "SELECT count(*) FROM sqlite_master WHERE name IN ('trace_events', 'trace_events_run', 'runs')"
)
INSERT = "INSERT INTO trace_events (timestamp, run_id, event_type, payload) VALUES (?,?,?,?)"


def connect(path: str) -> sqlite3.Connection:
    """A new file is its owner's alone: it holds what agents were about to do."""
    if path != MEMORY:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def create_tables(connection: sqlite3.Connection) -> None:
    """WAL and the tables. Neither waits for the busy timeout while others do the same."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            if connection.execute(TABLES).fetchone()[0] < 3:
                connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return
