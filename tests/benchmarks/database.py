"""Databases of any size: a few real threads, multiplied with new thread ids by SQL."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from langgraph.types import Command

from tests.benchmarks import graphs

TEMPLATES = 20
"""One of so many threads is pending."""
STEPS = 5


def built(folder: Path, threads: int, *, all_pending: bool = False) -> Path:
    """A database of that many threads, 5 % of them pending; built once per folder.

    With `all_pending` every thread is, and has only its head.
    """
    path = folder / f"{'inbox' if all_pending else 'list'}-{threads}.db"
    if path.exists():
        return path
    began = time.monotonic()
    templates = _templates(folder, all_pending)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    _multiply(templates, draft, threads, 1 if all_pending else TEMPLATES)
    templates.unlink()
    draft.rename(path)
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {size:.0f} MB in {time.monotonic() - began:.0f} s", flush=True)
    return path


def _templates(folder: Path, all_pending: bool) -> Path:
    path = folder / "templates.db"
    path.unlink(missing_ok=True)
    saver = graphs.saver(path)
    graph = graphs.chain(STEPS).compile(checkpointer=saver)
    for number in range(1 if all_pending else TEMPLATES):
        place = graphs.config(f"template-{number}")
        graph.invoke({"notes": ["start"]}, place)
        if number:
            graph.invoke(Command(resume=True), place)
    if all_pending:
        _keep_heads(saver.conn)
    saver.conn.execute("PRAGMA journal_mode=DELETE")
    saver.conn.close()
    return path


def _keep_heads(connection: sqlite3.Connection) -> None:
    for table in ("checkpoints", "writes"):
        connection.execute(
            f"DELETE FROM {table} WHERE checkpoint_id<(SELECT max(checkpoint_id) FROM checkpoints)"
        )
    connection.commit()


def _multiply(templates: Path, path: Path, threads: int, count: int) -> None:
    saver = graphs.saver(path)
    saver.setup()
    db = saver.conn
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("ATTACH ? AS source", (str(templates),))
    for table in ("checkpoints", "writes"):
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        others = ", ".join(name for name in columns if name != "thread_id")
        db.execute(
            f"""WITH RECURSIVE number(n) AS (
                  SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < ?)
                INSERT INTO {table} (thread_id, {others})
                SELECT printf('thread-%06d', n), {others}
                  FROM number CROSS JOIN source.{table} s
                 WHERE s.thread_id = 'template-' || (n % ?)""",
            (threads, count),
        )
    db.commit()
    db.execute("DETACH source")
    db.execute("PRAGMA journal_mode=WAL")
    db.close()
