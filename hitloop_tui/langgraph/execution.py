"""Where in the graph a node is running, and whether its question was asked before.

LangGraph has no public word for "this task was re-executed". Three private keys are read here:
without `__pregel_checkpointer` a question may be announced again when a sibling is answered, and
without `__pregel_scratchpad` an answer is lost when the policy no longer asks. `__pregel_resuming`
only saves a look into the checkpointer.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.runtime import get_runtime

GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
CHECKPOINTER = "__pregel_checkpointer"
SCRATCHPAD = "__pregel_scratchpad"
RESUMING = "__pregel_resuming"


@dataclass(frozen=True, slots=True)
class Place:
    """The task a node is running as; empty texts outside of a graph."""

    thread_id: str = ""
    checkpoint_id: str = ""
    task_ns: str = ""
    task_id: str = ""
    checkpointer: Any = None
    answered: bool = False
    """Whether an answer to this very task was given with the resume."""
    fresh: bool = False
    """Whether this run began with new input, so that none of its tasks ran before."""

    @property
    def asked_at(self) -> datetime | None:
        """When the task could start: the time inside its checkpoint's id (a UUID version 6).

        It is the same on every re-execution. None when the id carries no time.
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
    def scope(self) -> str:
        """What sets this task apart from every other one, on every re-execution alike."""
        return f"{self.thread_id}/{self.task_ns}/{self.task_id}"

    def checkpoint(self) -> RunnableConfig:
        """The checkpoint the task belongs to, as a config for a checkpointer."""
        namespace, _, _ = self.task_ns.rpartition("|")
        return {
            "configurable": {
                "thread_id": self.thread_id,
                "checkpoint_ns": namespace,
                "checkpoint_id": self.checkpoint_id,
            }
        }


def current_place() -> Place:
    """The place of the node that calls this."""
    try:
        configurable = get_config().get("configurable", {})
        info = get_runtime().execution_info
    except RuntimeError:  # called outside of a graph
        return Place()
    if info is None:
        return Place()
    thread = info.thread_id or configurable.get("thread_id", "")
    saver = configurable.get(CHECKPOINTER)
    answered = bool(getattr(configurable.get(SCRATCHPAD), "resume", None))
    place = (str(thread), info.checkpoint_id, info.checkpoint_ns, info.task_id)
    return Place(*place, saver, answered, configurable.get(RESUMING) is False)


def was_asked(place: Place, interrupt_id: str) -> bool:
    """Whether the checkpointer already holds this question; False when that cannot be known."""
    if place.checkpointer is None or place.fresh:
        return False
    try:
        found = place.checkpointer.get_tuple(place.checkpoint())
    except asyncio.InvalidStateError:  # a sync tool that blocks an async checkpointer's own loop
        return False
    return _holds(found, place.task_id, interrupt_id)


async def awas_asked(place: Place, interrupt_id: str) -> bool:
    """`was_asked` for an async graph."""
    if place.checkpointer is None or place.fresh:
        return False
    found = await place.checkpointer.aget_tuple(place.checkpoint())
    return _holds(found, place.task_id, interrupt_id)


def _holds(found: Any, task_id: str, interrupt_id: str) -> bool:
    writes = found.pending_writes or () if found else ()
    return any(
        interrupt.id == interrupt_id
        for task, channel, value in writes
        if task == task_id and channel == "__interrupt__"
        for interrupt in value
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
