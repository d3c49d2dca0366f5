"""Answers that LangGraph passes over when a thread is taken up at its head again, for good.

`invoke(None, config)` with the id of a checkpoint runs its tasks as if nobody had answered, usually
on a new checkpoint. Where the checkpoint is the head and itself a fork or an update, no new one is
made: the answers stay beside it, and the next run would give them to what was asked anew
(`PregelLoop._first` of langgraph 1.2).
"""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig

from hitloop_tui.langgraph.execution import NULL_TASK, RESUME, Place
from hitloop_tui.langgraph.memory import later

Writes = tuple[RunnableConfig, list[tuple[str, Any]], str]
"""What `put_writes` takes."""


def forget_answers(place: Place) -> None:
    """Void what LangGraph did not hand to this run. Call it before the first question."""
    if not _concerns(place):
        return
    if place.blocks_checkpointer():  # where what is stored cannot be looked at first
        for task in _not_given(place):
            later(place.checkpointer.aput_writes(*_void(place, task)))
        return
    for task in _passed_over(place, place.checkpointer.get_tuple(place.checkpoint())):
        place.checkpointer.put_writes(*_void(place, task))


async def aforget_answers(place: Place) -> None:
    """`forget_answers` for an async graph."""
    if not _concerns(place):
        return
    for task in _passed_over(place, await place.checkpointer.aget_tuple(place.checkpoint())):
        await place.checkpointer.aput_writes(*_void(place, task))


def _concerns(place: Place) -> bool:
    return place.replayed and place.checkpointer is not None


def _not_given(place: Place) -> set[str]:
    """Ids of the tasks of whose answers this run knows nothing."""
    given = {task for task, channel, _ in place.rows() if channel == RESUME}
    return {place.task_id, NULL_TASK} - given


def _passed_over(place: Place, found: Any) -> set[str]:
    """Those of them that have answers."""
    rows = (found.pending_writes or ()) if found else ()
    return _not_given(place) & {task for task, channel, _ in rows if channel == RESUME}


def _void(place: Place, task: str) -> Writes:
    return place.checkpoint(), [(RESUME, None if task == NULL_TASK else [])], task
