"""Where in the graph a node is running, and what LangGraph knows of this task's earlier executions.

LangGraph executes a task again on every resume, and has no public word for it. What is private to
it is read here: three keys of the config, and what the scratchpad of a task holds. `pyproject.toml`
limits the versions of LangGraph for its sake.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.runtime import get_runtime

from hitloop_tui.core.again import ORDERED_AGAIN

GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
CHECKPOINTER = "__pregel_checkpointer"
SCRATCHPAD = "__pregel_scratchpad"
NULL_TASK = "00000000-0000-0000-0000-000000000000"
RESUME = "__resume__"
REPLAYING = "__pregel_replay_state"
RESUMING = "__pregel_resuming"
"""True for the tasks a run begins with when it takes up a thread; all others are new."""
ROW = tuple[str, str, Any]
"""Task id, channel and value of what was written next to a checkpoint."""


@dataclass(frozen=True, slots=True)
class Place:
    """The task a node is running as; empty texts outside of a graph."""

    thread_id: str = ""
    checkpoint_ns: str = ""
    checkpoint_id: str = ""
    task_id: str = ""
    task_ns: str = ""
    """What LangGraph makes the ids of the task's questions of."""
    attempt: int = 1
    """Counts the executions within one run, under a retry policy."""
    checkpointer: Any = None
    scratchpad: Any = None
    again: bool = False
    """Whether an earlier run may have executed this very task."""
    replayed: bool = False
    """Whether this run was asked to begin at a checkpoint, and not to answer anything."""
    order: str = ""
    """The order by which a person wants that done again."""

    @property
    def asked_at(self) -> datetime | None:
        """When the task could start: the time inside its checkpoint's id (a UUID version 6).

        It is the same on every execution. None when the id carries no time.
        """
        try:
            stamp = uuid.UUID(self.checkpoint_id)
        except ValueError:
            return None
        if stamp.version != 6:
            return None
        ticks = (stamp.int >> 80) << 12 | (stamp.int >> 64 & 0xFFF)
        return GREGORIAN + timedelta(microseconds=ticks // 10)

    @property
    def address(self) -> dict[str, str] | None:
        """Where in its thread the task is; None outside of a graph."""
        if not self.task_id:
            return None
        return {
            "checkpoint_ns": self.checkpoint_ns,
            "checkpoint_id": self.checkpoint_id,
            "task_id": self.task_id,
        }

    def elsewhere(self, address: Mapping[str, str]) -> Place:
        """The task with this address, in the same thread."""
        where = (address["checkpoint_ns"], address["checkpoint_id"], address["task_id"])
        return Place(self.thread_id, *where, checkpointer=self.checkpointer)

    @property
    def scope(self) -> str:
        """What sets this task apart from every other one, on every execution alike."""
        return f"{self.thread_id}/{self.task_ns}/{self.task_id}"

    def checkpoint(self) -> RunnableConfig:
        """The checkpoint the task belongs to, as a config for a checkpointer."""
        return {
            "configurable": {
                "thread_id": self.thread_id,
                "checkpoint_ns": self.checkpoint_ns,
                "checkpoint_id": self.checkpoint_id,
            }
        }

    def rows(self) -> list[ROW]:
        """What the runs before this one wrote next to the checkpoint.

        LangGraph has read it already. A read of our own would wait for the commit in flight, and a
        sync tool that blocks the loop of its checkpointer could not make it at all.
        """
        return _rows(self.scratchpad) if self.again else []

    def drop_leftover(self) -> None:
        """Forget the answer of a plain resume that this task had in an earlier run already.

        LangGraph keeps it until the superstep ends, and gives it to whoever asks next. One that
        was given with this very resume is the last of its rows.
        """
        scratchpad = self.scratchpad if self.again else None
        while scratchpad is not None:
            rows = _rows(scratchpad)
            for row in rows[:-1]:
                if row[:2] == (NULL_TASK, RESUME) and row[2] in self.answers:
                    self.scratchpad.get_null_resume(True)
                    return
            scratchpad = _closure(scratchpad)["parent_scratchpad"]

    @property
    def answers(self) -> list[Any]:
        """The answers this task was given, in the order of its questions; `interrupt()` adds."""
        given: list[Any] = self.scratchpad.resume if self.scratchpad else []
        return given

    def blocks_checkpointer(self) -> bool:
        """Whether waiting here for the checkpointer would wait for ever."""
        try:
            return asyncio.get_running_loop() is getattr(self.checkpointer, "loop", None)
        except RuntimeError:  # no loop is running in this thread
            return False


def _rows(scratchpad: Any) -> list[ROW]:
    rows: list[ROW] = _closure(scratchpad)["pending_writes"]
    return rows


def _closure(scratchpad: Any) -> Mapping[str, Any]:
    return inspect.getclosurevars(scratchpad.get_null_resume).nonlocals


def current_place() -> Place:
    """The place of the node that calls this."""
    try:
        configurable = get_config().get("configurable", {})
        info = get_runtime().execution_info
    except RuntimeError:  # called outside of a graph
        return Place()
    if info is None:
        return Place()
    # A task of the functional API has a namespace of its own, but not a checkpoint of its own.
    checkpoints = configurable.get("checkpoint_map", {}).items()
    return Place(
        thread_id=str(info.thread_id or configurable.get("thread_id", "")),
        checkpoint_ns=next((ns for ns, name in checkpoints if name == info.checkpoint_id), ""),
        checkpoint_id=info.checkpoint_id,
        task_id=info.task_id,
        task_ns=info.checkpoint_ns,
        attempt=info.node_attempt,
        checkpointer=configurable.get(CHECKPOINTER),
        scratchpad=configurable.get(SCRATCHPAD),
        again=configurable.get(RESUMING) is True,
        replayed=configurable.get(REPLAYING) is not None,
        order=str(configurable.get(ORDERED_AGAIN, "")),
    )


def run_to_end(work: Coroutine[Any, Any, Any]) -> Any:
    """Wait for a coroutine from synchronous code, even inside a running event loop."""
    context = contextvars.copy_context()
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(context.run(asyncio.run, work))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="hitloop-coroutine")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
