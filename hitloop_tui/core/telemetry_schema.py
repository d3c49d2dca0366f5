"""The tables of the telemetry, and how their file is opened.

Other programs may read the tables while agents write (WAL). `trace_events.id` only ever grows and
is the order in which events became durable; within one process it is also the order in which they
were logged. A reader follows the file by asking for ids above the last one it saw.

    trace_events  id, timestamp (ISO 8601, UTC), run_id, event_type, payload (JSON object),
                  thread_id (of the LangGraph node that logged it; NULL elsewhere)
    runs          one row per run_id: what `RunMetadata` holds; finished_at NULL while it runs

All but `thread_id` are hitloop 0.5's, column by column: its files are read and continued, and it
can go on with ours. Events may tell which Actions carry an injected error; whoever shows them to
a person under study leaves that out (`attach.telemetry` does).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import suppress

from hitloop_tui.errors import DatabaseError

BUSY_TIMEOUT_S = 30.0
MEMORY = ":memory:"

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS trace_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  timestamp TEXT NOT NULL,
  run_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  payload TEXT NOT NULL,
  thread_id TEXT
)""",
    """CREATE TABLE IF NOT EXISTS runs (
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
)""",
)
INDEXES = (
    "CREATE INDEX IF NOT EXISTS trace_events_run ON trace_events(run_id, id)",
    "CREATE INDEX IF NOT EXISTS trace_events_thread ON trace_events(thread_id, id)"
    " WHERE thread_id IS NOT NULL",
)
COLUMNS = {
    "trace_events": {"id", "timestamp", "run_id", "event_type", "payload"},
    "runs": {"id", "run_id", "started_at", "finished_at", "task_success", "validation_details"}
    | {"scenario_id", "condition_id", "agent_version", "model", "seed"},
}
OBJECTS = (
    "SELECT count(*) FROM sqlite_master"
    " WHERE name IN ('trace_events', 'runs', 'trace_events_run', 'trace_events_thread')"
)
INSERT = (
    "INSERT INTO trace_events (timestamp, run_id, event_type, payload, thread_id)"
    " VALUES (?,?,?,?,?)"
)

_log = logging.getLogger(__name__)


def connect(path: str) -> sqlite3.Connection:
    """A new file is its owner's alone: it holds what agents were about to do."""
    if path != MEMORY:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def create_tables(connection: sqlite3.Connection, path: str) -> None:
    """WAL and the tables. Neither waits for the busy timeout while others do the same.

    Raises DatabaseError when the file has tables of these names that are somebody else's.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            if connection.execute(OBJECTS).fetchone()[0] < 4:
                _complete(connection, path)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Names of a table's columns; none when there is no such table."""
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _complete(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in SCHEMA:
            connection.execute(statement)
        for table, needed in COLUMNS.items():
            if missing := needed - columns(connection, table):
                raise DatabaseError(f"its table {table} has no column {min(missing)}")
        if "thread_id" not in columns(connection, "trace_events"):
            connection.execute("ALTER TABLE trace_events ADD COLUMN thread_id TEXT")
            _log.info("telemetry %s: written by hitloop 0.5, continued from here on", path)
        for statement in INDEXES:
            connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
