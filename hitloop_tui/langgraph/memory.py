"""What a task keeps for its next execution: rows of our own next to its checkpoint.

They are written under task ids of their own, which LangGraph never looks at, and are found by every
later execution of the task, in every process. Of two rows with one name the first stands.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphInterrupt

from hitloop_tui.langgraph.execution import ROW, Place
from hitloop_tui.langgraph.plain import plain

CHANNEL = "__hitloop__"
NAMESPACE = uuid.UUID("3a0d0a5c-5a5e-4d0c-8e0e-3f6d5f3a1c11")

NOT_KEPT = "%s could not be kept: if the node runs again, it is done again"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Run:
    """What a task has done in this run, over the attempts of a retry policy."""

    kept: dict[str, Any] = field(default_factory=dict)
    calls: Counter[tuple[int, str]] = field(default_factory=Counter)
    question: GraphInterrupt | None = None


_runs: WeakKeyDictionary[Any, _Run] = WeakKeyDictionary()
_runs_lock = threading.RLock()
_writing: set[asyncio.Task[None]] = set()
"""Writes that the event loop does later; a task nobody refers to may vanish before it ran."""


def recall(place: Place, name: str) -> Any:
    """What was kept under this name; None if nothing was."""
    if place.scratchpad is None:
        return None
    kept = _run(place).kept
    return kept[name] if name in kept else Rows(place, place.rows()).get(name)


def keep(place: Place, name: str, value: Any) -> None:
    """Keep `value`, or its text if the checkpointer cannot hold it. Never raises."""
    if not _kept_in_run(place, name, value):
        return
    if place.blocks_checkpointer():
        later(_awrite_or_log(place, name, value))
        return
    try:
        write(place, name, value)
    except Exception:
        log.exception(NOT_KEPT, name)


def later(work: Coroutine[Any, Any, None]) -> None:
    """Let the running event loop do it as soon as this node leaves it."""
    writing = asyncio.get_running_loop().create_task(work)
    _writing.add(writing)
    writing.add_done_callback(_writing.discard)


async def akeep(place: Place, name: str, value: Any) -> None:
    """`keep` for an async graph."""
    if _kept_in_run(place, name, value):
        await _awrite_or_log(place, name, value)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is written next to the checkpoint of a task."""

    place: Place
    rows: Iterable[ROW]

    def get(self, name: str) -> Any:
        """The value under this name; None if there is none."""
        row_id = _row_id(self.place, name)
        return next((value for task_id, _, value in self.rows if task_id == row_id), None)


def write(place: Place, name: str, value: Any) -> None:
    place.checkpointer.put_writes(*_row(place, name, value))


async def awrite(place: Place, name: str, value: Any) -> None:
    await place.checkpointer.aput_writes(*_row(place, name, value))


def read(place: Place) -> Rows:
    found = place.checkpointer.get_tuple(place.checkpoint())
    return Rows(place, found.pending_writes or () if found else ())


async def aread(place: Place) -> Rows:
    found = await place.checkpointer.aget_tuple(place.checkpoint())
    return Rows(place, found.pending_writes or () if found else ())


def call_number(place: Place, digest: str) -> int:
    """How many equal calls were made before, in this execution of the task."""
    if place.scratchpad is None:
        return 0
    with _runs_lock:
        calls = _run(place).calls
        calls[place.attempt, digest] += 1
        return calls[place.attempt, digest] - 1


def first_question(place: Place, paused: GraphInterrupt) -> GraphInterrupt:
    """The question that this task stops with: of calls made in parallel, the first to ask.

    A task has room for one open question. If each of them raised its own, one would be stored, and
    nobody could say which.
    """
    if place.scratchpad is None:
        return paused
    with _runs_lock:
        run = _run(place)
        run.question = run.question or paused
        return run.question


def _run(place: Place) -> _Run:
    """The memory of this run; LangGraph makes this function once for each task of a run."""
    with _runs_lock:
        return _runs.setdefault(place.scratchpad.get_null_resume, _Run())


def _kept_in_run(place: Place, name: str, value: Any) -> bool:
    """Whether there is a checkpointer to keep it in, too."""
    if place.scratchpad is None:
        return False
    _run(place).kept[name] = value
    return place.checkpointer is not None


async def _awrite_or_log(place: Place, name: str, value: Any) -> None:
    try:
        await awrite(place, name, value)
    except Exception:
        log.exception(NOT_KEPT, name)


def _row(place: Place, name: str, value: Any) -> tuple[RunnableConfig, list[tuple[str, Any]], str]:
    try:
        place.checkpointer.serde.dumps_typed(value)
    except Exception:
        value = plain(value)
    return place.checkpoint(), [(CHANNEL, value)], _row_id(place, name)


def _row_id(place: Place, name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{place.task_id}/{name}"))
