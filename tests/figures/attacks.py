"""What can happen to a thread or to the ledger between a person's look, their word and the worker.

Each attack knows the thread, what was shown of it, and a second thread that asks the same.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from langgraph.types import Command

from hitloop_tui.attach import shapes
from hitloop_tui.attach.decide import decide
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Kind, Review, Verdict
from tests.figures.arena import Arena, config
from tests.figures.askers import APPLICATION

ANN = Person("ann", {})


def said(review: Review, *, yes: bool) -> dict[int, Verdict]:
    """One verdict for each Action: the tool may run, or it may not."""
    if Kind.APPROVE in review.actions[0].allowed:
        verdict = Verdict(Kind.APPROVE if yes else Kind.REJECT)
    else:
        verdict = Verdict(Kind.RESPOND, value="yes" if yes else APPLICATION)
    return dict.fromkeys(range(len(review.actions)), verdict)


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread, and the application that owns it."""

    arena: Arena
    shape: str
    name: str
    saver: Any

    @property
    def graph(self) -> Any:
        return self.arena.graph(self.shape)

    @property
    def config(self) -> Any:
        return config(self.shape, self.name, self.saver)

    async def ask(self) -> list[Review]:
        await self.graph.ainvoke({"messages": [("user", "please")]}, self.config)
        asked = [review for review in self.arena.look(self.name) if review.undecided]
        return sorted(asked, key=lambda review: str(review.question.value))

    def decide(self, shown: Sequence[Review], *, yes: bool = True) -> list[str]:
        """What became of each decision."""
        inbox = self.arena.session.inbox
        return [decide(inbox, review, said(review, yes=yes), ANN).outcome for review in shown]

    async def answer(self) -> None:
        """The application says no to everything that it asks now."""
        answers = {}
        for question in self.arena.session.source.thread_questions(self.name):
            reading = shapes.read(question)
            assert reading is not None
            review = Review(question, reading)
            value = shapes.answer(review, said(review, yes=False), ANN)
            answers[question.identity.interrupt_id] = value
        await self.graph.ainvoke(Command(resume=answers), self.config)


Attack = Callable[[Thread, list[Review], Thread], Awaitable[None]]


async def nothing(thread: Thread, shown: list[Review], other: Thread) -> None:
    """The control: without an attack every decision takes effect."""


async def answered(thread: Thread, shown: list[Review], other: Thread) -> None:
    await thread.answer()


async def asked_again(thread: Thread, shown: list[Review], other: Thread) -> None:
    await thread.ask()


async def asked_again_under_the_same_ids(
    thread: Thread, shown: list[Review], other: Thread
) -> None:
    """As before LangGraph 1.2.20, where all questions of a task have one id."""
    for old, new in zip(shown, await thread.ask(), strict=True):
        ids = (review.question.identity.interrupt_id.encode() for review in (new, old))
        _overwrite(thread, "writes", *ids)


async def forked(thread: Thread, shown: list[Review], other: Thread) -> None:
    """Time travel: the head is run again, as another branch."""
    head = (await thread.graph.aget_state(thread.config)).config["configurable"]
    place = {**thread.config["configurable"], "checkpoint_id": head["checkpoint_id"]}
    await thread.graph.ainvoke(None, {**thread.config, "configurable": place})


async def state_updated(thread: Thread, shown: list[Review], other: Thread) -> None:
    start = "__start__" if "__start__" in thread.graph.nodes else thread.shape
    await thread.graph.aupdate_state(thread.config, {"messages": []}, as_node=start)
    await thread.graph.ainvoke(None, thread.config)


async def deleted(thread: Thread, shown: list[Review], other: Thread) -> None:
    await thread.saver.adelete_thread(thread.name)
    await thread.ask()


async def question_rewritten(thread: Thread, shown: list[Review], other: Thread) -> None:
    """What is shown, but not what will run."""
    _overwrite(thread, "writes", b"please", b"pleaze")


async def state_rewritten(thread: Thread, shown: list[Review], other: Thread) -> None:
    """What will run, but not what is shown: only the agent's own process can see that."""
    _overwrite(thread, "checkpoints", b"please", b"pleaze")


def _overwrite(thread: Thread, table: str, before: bytes, after: bytes) -> None:
    """In the stored questions, or in the stored state, of a thread."""
    column = {"writes": "value", "checkpoints": "checkpoint"}[table]
    only = " AND channel='__interrupt__'" if table == "writes" else ""
    with _raw(thread.arena.db) as connection:
        found = connection.execute(
            f"SELECT rowid, {column} FROM {table} WHERE thread_id=?{only}", (thread.name,)
        ).fetchall()
        changed = [(blob.replace(before, after), rowid) for rowid, blob in found if before in blob]
        assert changed
        connection.executemany(f"UPDATE {table} SET {column}=? WHERE rowid=?", changed)


async def copied_to_another_thread(thread: Thread, shown: list[Review], other: Thread) -> None:
    _copy(thread, shown, await other.ask())


async def copied_to_the_next_question(thread: Thread, shown: list[Review], other: Thread) -> None:
    _copy(thread, shown, await thread.ask())


async def exchanged(thread: Thread, shown: list[Review], other: Thread) -> None:
    """One thread's yes for the other one's no."""
    theirs = await other.ask()
    assert set(other.decide(theirs, yes=False)) == {"recorded"}
    with _ledger(thread) as connection:
        for yes, no in zip(shown, theirs, strict=True):
            answers = [
                connection.execute("SELECT answer FROM decisions WHERE key=?", (r.key,)).fetchone()
                for r in (yes, no)
            ]
            for review, (answer,) in zip((no, yes), answers, strict=True):
                connection.execute(
                    "UPDATE decisions SET answer=? WHERE key=?", (answer, review.key)
                )


def _copy(thread: Thread, decided: Sequence[Review], asked: Sequence[Review]) -> None:
    """Each row once more, under another question, as if it had been meant there."""
    with _ledger(thread) as connection:
        for old, new in zip(decided, asked, strict=True):
            found = connection.execute("SELECT * FROM decisions WHERE key=?", (old.key,)).fetchone()
            identity = json.dumps(asdict(new.question.identity))
            place = {"seq": None, "key": new.key, "thread_id": new.thread_id, "identity": identity}
            row = {**dict(found), **place}
            cursor = connection.execute(
                f"INSERT INTO decisions ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                tuple(row.values()),
            )
            connection.execute("INSERT INTO unsettled VALUES (?)", (cursor.lastrowid,))


@contextmanager
def _ledger(thread: Thread) -> Iterator[sqlite3.Connection]:
    """The ledger without its triggers, as somebody with an editor has it."""
    with _raw(thread.arena.session.ledger.file.path) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type='trigger'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)


@contextmanager
def _raw(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        connection.row_factory = sqlite3.Row
        yield connection
