"""What the figures share: threads that wait, people and workers as processes, and the score."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from hitloop_tui.attach import journal
from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import Review, State
from hitloop_tui.attach.session import Session
from tests.figures import graphs

ROOT = Path(__file__).parents[2]
START_S = 60.0

processes = multiprocessing.get_context("forkserver")
"""New processes without the seconds that importing LangGraph takes; nothing runs in the server."""
processes.set_forkserver_preload(
    ["tests.figures.strict", "tests.figures.graphs", "hitloop_tui.attach.worker"]
)


class Score:
    """Lines `what: bad/of`. Any bad one fails the script."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failed = False

    def say(self, line: str) -> None:
        self.lines.append(line)
        print(line, flush=True)

    def add(self, what: str, bad: Collection[Any] | int, of: int) -> None:
        """`bad` as a collection is shown, so that a failure can be looked into."""
        count = bad if isinstance(bad, int) else len(bad)
        self.failed |= count > 0 or of == 0
        shown = "" if isinstance(bad, int) or not bad else f"  {list(bad)[:3]}"[:300]
        self.say(f"{what}: {count}/{of}{shown}")


class Arena:
    """One checkpoint database with its ledger, in a folder of its own."""

    def __init__(self, folder: Path, *names: str, module: str = graphs.__name__) -> None:
        """`names` of graphs in `module`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.db, self.names, self.module = folder / "agents.db", names, module
        self.session = Session.open(self.db)
        self._effects = folder / "effects.jsonl"
        self.env = {graphs.EFFECTS: str(self._effects), "HITLOOP_HOLD": "0", "TZ": "UTC"}

    @property
    def refs(self) -> list[str]:
        """Options of a worker that hosts all graphs."""
        return [word for name in self.names for word in ("--graph", f"{name}={self.module}:{name}")]

    def graph(self, name: str) -> Any:
        return getattr(importlib.import_module(self.module), name)

    def ask(self, count: int) -> list[Review]:
        """Run so many threads of the first graph until they ask; their Reviews."""
        [name], threads = self.names, [f"t{number}" for number in range(count)]

        async def ask() -> None:
            async with self.application() as saver:
                for thread in threads:
                    await self.graph(name).ainvoke({}, config(name, thread, saver))

        asyncio.run(ask())
        return [review for thread in threads for review in self.look(thread)]

    @contextlib.asynccontextmanager
    async def application(self) -> AsyncIterator[AsyncSqliteSaver]:
        """The agents' own connection."""
        async with aiosqlite.connect(self.db, timeout=30) as connection:
            yield AsyncSqliteSaver(connection)

    def run(self, *words: str) -> Any:
        """A command with `--json`; what it printed."""
        done = subprocess.run(self._command(*words, "--json"), **self._like(), stdout=-1)
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        known = {worker.id for worker in live_workers(self.session.ledger.file)}
        words = ["worker", *self.refs]
        with (self.db.parent / "worker.log").open("ab") as log:
            process = subprocess.Popen(self._command(*words), **self._like(), stderr=log)
        try:
            wait(lambda: {w.id for w in live_workers(self.session.ledger.file)} - known, START_S)
            yield process
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        finally:
            process.kill()
            process.wait()

    def work(self) -> None:
        """Apply all that is recorded with a new worker, to its end."""
        words = self._command("worker", *self.refs, "--once")
        with (self.db.parent / "worker.log").open("ab") as log:
            subprocess.run(words, **self._like(), stderr=log, timeout=600)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "hitloop_tui", *words, "--db", str(self.db)]

    def _like(self) -> dict[str, Any]:
        return {"cwd": ROOT, "env": {**os.environ, **self.env}, "stdin": subprocess.DEVNULL}

    def look(self, thread_id: str) -> list[Review]:
        """A thread's open Reviews as they stand now."""
        self.session.inbox.read_ledger()
        return self.session.inbox.thread_reviews(thread_id)

    def records(self) -> dict[str, Record]:
        return {record.key: record for record in self.session.ledger.records()}

    def applied(self, keys: Collection[str], seconds: float) -> set[str]:
        """Those of `keys` that are not applied after so many seconds."""

        def left() -> set[str]:
            done = (r.key for r in self.session.ledger.records() if r.state is State.APPLIED)
            return set(keys).difference(done)

        with contextlib.suppress(TimeoutError):
            wait(lambda: not left(), seconds, pause=0.5)
        return left()

    def effects(self) -> Counter[str]:
        """How often the tool ran, by thread."""
        if not self._effects.exists():
            return Counter()
        lines = self._effects.read_text().splitlines()
        return Counter(json.loads(line)["thread"] for line in lines)

    def faults(self) -> list[str]:
        """What the audit finds."""
        with self.session.ledger.file.transaction() as connection:
            return [fault.text for fault in journal.verify(connection)]


def config(graph: str, thread: str, saver: AsyncSqliteSaver) -> dict[str, Any]:
    """As an application would run the graph."""
    place = {"thread_id": thread, "__pregel_checkpointer": saver}
    return {"configurable": place, "metadata": {"graph_id": graph}}


def wait(what: Callable[[], Any], seconds: float, pause: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(pause)


def main(description: str, n: int, figure: Callable[[Path, int, Score], None]) -> None:
    """Run one figure from the command line, in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--n", type=int, default=n, metavar="N", help=f"rounds; {n} by default")
    parser.add_argument("--dir", type=Path, help="keep the files there")
    given = parser.parse_args()
    score, began = Score(), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        figure(given.dir or Path(scratch), given.n, score)
    print(f"{time.monotonic() - began:.0f} s, {'FAILED' if score.failed else 'passed'}")
    sys.exit(score.failed)
