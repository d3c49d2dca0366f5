"""The agents' side: commits made on command, in this process or in one of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base.id import uuid6
from langgraph.checkpoint.sqlite import SqliteSaver

from tests.benchmarks import graphs

GO_TIMEOUT_S = 60.0


class Questions:
    """New threads that ask what a waiting thread asks, and their ends: one commit each."""

    def __init__(self, db: Path, like: str) -> None:
        self._db = sqlite3.connect(db, timeout=30, isolation_level=None)
        self._rows = {
            table: self._db.execute(
                f"SELECT * FROM {table} WHERE thread_id=:like AND checkpoint_id=("
                "SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id=:like)",
                {"like": like},
            ).fetchall()
            for table in ("checkpoints", "writes")
        }

    def ask(self, thread_id: str) -> float:
        """When it was committed."""
        place = thread_id, "", str(uuid6())
        self._db.execute("BEGIN IMMEDIATE")
        for table, rows in self._rows.items():
            for row in rows:
                marks = ",".join("?" * len(row))
                self._db.execute(f"INSERT INTO {table} VALUES ({marks})", (*place, *row[3:]))
        self._db.execute("COMMIT")
        return time.monotonic()

    def end(self, thread_id: str) -> float:
        """Finish the task that asked, as its node does."""
        self._db.execute(
            "INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel)"
            " SELECT thread_id, checkpoint_ns, checkpoint_id, task_id, 0, 'notes' FROM writes"
            " WHERE thread_id=? AND idx=-3",
            (thread_id,),
        )
        return time.monotonic()

    def close(self) -> None:
        self._db.close()


class TimedSaver(SqliteSaver):
    """Remembers when it committed last."""

    committed = 0.0

    def put(self, *given: Any, **options: Any) -> Any:
        found = super().put(*given, **options)
        self.committed = time.monotonic()
        return found

    def put_writes(self, *given: Any, **options: Any) -> None:
        super().put_writes(*given, **options)
        self.committed = time.monotonic()


@contextlib.contextmanager
def process(work: Any, *given: Any) -> Iterator[Connection]:
    """Run `work(connection, *given)` in a process of its own until the block ends."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=work, args=(there, *given), daemon=True)
    child.start()
    there.close()
    try:
        assert here.poll(GO_TIMEOUT_S), "the writer did not start"
        here.recv()
        yield here
    finally:
        here.close()
        child.join(5)
        if child.is_alive():
            child.kill()


def ask_when_told(connection: Connection, db: Path, like: str) -> None:
    """On `("commit", thread)` make a thread that asks, on `("run", thread)` run a graph up to it.

    Answers with the time of the last commit.
    """
    questions = Questions(db, like)
    saver = TimedSaver(sqlite3.connect(db, check_same_thread=False, timeout=30))
    graph = graphs.graph.compile(checkpointer=saver)
    graph.get_state(graphs.config("none"))
    connection.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            how, thread_id = connection.recv()
            if how == "commit":
                connection.send(questions.ask(thread_id))
            else:
                graph.invoke({"notes": ["start"]}, graphs.config(thread_id))
                connection.send(saver.committed)


def commit_now_and_then(
    connection: Connection, pipe: Connection, watched: Path, other: Path, gaps: Sequence[float]
) -> None:
    """Commit to `watched`, and after the same gap to `other` with a byte down the pipe.

    Sends the times of the commits, and of those that the pipe told.
    """
    targets = [Questions(path, "bench-0") for path in (watched, other)]
    times: tuple[list[float], list[float]] = ([], [])
    connection.send("ready")
    for number, gap in enumerate(gaps):
        for questions, found in zip(targets, times, strict=True):
            time.sleep(gap * random.uniform(0.7, 1.3))
            found.append(questions.ask(f"new-{gap}-{number}"))
        pipe.send_bytes(b"x")
    time.sleep(max(gaps))
    connection.send(times)
