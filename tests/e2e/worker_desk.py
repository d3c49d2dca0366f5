"""A person at the ledger and graphs with tools that write a file, for the tests of the worker."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from hitloop_tui.attach import journal, shapes
from hitloop_tui.attach.acts import act
from hitloop_tui.attach.checkpoint_sql import NULL_TASK
from hitloop_tui.attach.checkpoints import Checkpoints
from hitloop_tui.attach.events import Event, events_since
from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.leases import Leases
from hitloop_tui.attach.ledger import Ledger, Record
from hitloop_tui.attach.ledger_file import LedgerFile
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Act, Kind, Question, Review, State, Verdict
from hitloop_tui.attach.worker import Worker
from hitloop_tui.paths import ledger_path


class Desk:
    """Asks with graphs, decides, and looks at what became of it, all on one database."""

    def __init__(self, folder: Path) -> None:
        self.db = folder / "agents.db"
        self.source = Checkpoints(self.db)
        self.file = LedgerFile(ledger_path(self.db))
        self.ledger = Ledger(self.file)

    def close(self) -> None:
        self.source.close()
        self.file.close()

    async def ask(self, graph: Any, thread_id: str, given: Any, **config: Any) -> list[Question]:
        """Run the graph as an application would, until it stops; what it asks."""
        async with aiosqlite.connect(self.db, timeout=30) as connection:
            place = {"thread_id": thread_id, "__pregel_checkpointer": AsyncSqliteSaver(connection)}
            config = {**config, "configurable": {**config.get("configurable", {}), **place}}
            await graph.ainvoke(given, config)
        return self.source.thread_questions(thread_id)

    async def state(self, graph: Any, thread_id: str) -> Any:
        async with aiosqlite.connect(self.db, timeout=30) as connection:
            place = {"thread_id": thread_id, "__pregel_checkpointer": AsyncSqliteSaver(connection)}
            return await graph.aget_state({"configurable": place})

    def decide(self, question: Question, answer: Any, hold_s: float = 0.0) -> str:
        """Record an answer; the Review's key."""
        reading = shapes.read(question)
        assert reading is not None
        review = Review(question, reading)
        verdicts = {n: Verdict(Kind.RESPOND, value=answer) for n in range(len(reading.actions))}
        person = Person("tester", {})
        assert self.ledger.record(review, verdicts, answer, person, hold_s=hold_s) is None
        return review.key

    def review(self, key: str) -> Review:
        """A Review as the inbox shows it now."""
        inbox = Inbox(self.source, self.ledger)
        inbox.load()
        review = inbox.review(key)
        assert review is not None
        return review

    def order(self, key: str, what: Act) -> str:
        """Do what a person can do about a Review that did not go well; what they are told."""
        inbox = Inbox(self.source, self.ledger)
        inbox.load()
        outcome = act(inbox, self.review(key), what, Person("tester", {}))
        assert outcome.outcome == "recorded", outcome
        return outcome.detail

    def dead_worker(self, thread_id: str) -> None:
        """A worker takes the decisions on a thread and dies."""
        leases = Leases(self.file, ["g"])
        leases.register()
        assert leases.take(thread_id)
        leases.retire()

    def faults(self) -> list[str]:
        """What the audit says about the ledger."""
        with self.file.transaction() as connection:
            return [fault.text for fault in journal.verify(connection)]

    def record(self, key: str) -> Record:
        return self.ledger.of_keys([key])[key]

    def wait(self, key: str, *states: State, seconds: float = 20) -> Record:
        """The record, as soon as it is in one of `states`. For workers in other processes."""
        deadline = time.monotonic() + seconds
        while (record := self.record(key)).state not in states:
            assert time.monotonic() < deadline, f"{record.state}: {record.detail}"
            time.sleep(0.02)
        return record

    def wait_for_decision(self, key: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while self.ledger.first_answer(key) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    async def leave_answer(self, question: Question, answer: Any) -> None:
        """What `Command(resume=answer)` writes before its task has taken it."""
        place = question.identity
        where = {"thread_id": place.thread_id, "checkpoint_ns": ""}
        async with aiosqlite.connect(self.db) as connection:
            await AsyncSqliteSaver(connection).aput_writes(
                {"configurable": {**where, "checkpoint_id": place.checkpoint_id}},
                [("__resume__", answer)],
                NULL_TASK,
            )

    def wait_for_order(self, order: int, outcome: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not (ended := self.file.rows("SELECT * FROM orders WHERE id=?", (order,))[0])[
            "outcome"
        ]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert ended["outcome"] == outcome, ended["detail"]

    def dump(self) -> list[str]:
        """Everything that the agents' database holds, as SQL."""
        with closing(sqlite3.connect(self.db)) as connection:
            return list(connection.iterdump())

    def events(self, *kinds: str) -> list[Event]:
        return [e for e in events_since(self.file, 0) if not kinds or e.kind in kinds]

    async def work(self, graphs: Mapping[str, Any], **options: Any) -> dict[str, int]:
        """Apply what is recorded with a worker of this process; its outcomes."""
        async with Worker(graphs, self.db, once=True, **options) as worker:
            await worker.ended()
        return dict(worker.outcomes)
