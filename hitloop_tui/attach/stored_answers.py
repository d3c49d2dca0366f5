"""Answers that LangGraph keeps on the tasks of a superstep, read and changed through its saver.

What the rows mean is LangGraph's own business (langgraph/pregel/_task_status.py); that putting an
empty list, or None under the null task, takes an answer away was observed with langgraph 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from hitloop_tui.attach.checkpoint_sql import NULL_TASK
from hitloop_tui.attach.review import Question, TaskPlace

RESUME = "__resume__"


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """Those of one thread."""

    saver: BaseCheckpointSaver[Any]
    thread_id: str

    async def of(self, place: TaskPlace) -> list[Any]:
        """All answers of a task, oldest first."""
        found = await self.saver.aget_tuple(self._config(place))
        for task_id, channel, value in (found.pending_writes or ()) if found else ():
            if (task_id, channel) == (place.task_id, RESUME):
                return list(value) if isinstance(value, list) else [value]
        return []

    async def plain(self, checkpoint_id: str) -> Any:
        """What a plain resume has left on a checkpoint, or None."""
        found = await self.of(TaskPlace("", checkpoint_id, NULL_TASK))
        return found[0] if found else None

    async def clear(self, question: Question) -> bool:
        """Take away what would answer a question again; False when there was nothing."""
        if question.leftover_answer:
            await self.drop_leftover(question)
        if question.clearable:
            await self.set_aside(question)
        return question.leftover_answer or question.clearable

    async def drop_leftover(self, question: Question) -> None:
        """The answer that a plain resume left on the head: the next question would get it."""
        head = TaskPlace("", question.identity.checkpoint_id, NULL_TASK)
        await self._put(head, None)

    async def set_aside(self, question: Question) -> list[Any]:
        """Take away the answer to this question, but not those to earlier ones of its task; what
        `put_back` takes."""
        assert question.place is not None
        answers = await self.of(question.place)
        await self._put(question.place, answers[: question.identity.answers])
        return answers

    async def put_back(self, question: Question, answers: list[Any]) -> None:
        """Undo `set_aside`, unless the task has another answer by now."""
        assert question.place is not None
        if await self.of(question.place) == answers[: question.identity.answers]:
            await self._put(question.place, answers)

    async def _put(self, place: TaskPlace, value: Any) -> None:
        write = [(RESUME, value)]
        await self.saver.aput_writes(self._config(place), write, place.task_id, place.task_path)

    def _config(self, place: TaskPlace) -> RunnableConfig:
        return {
            "configurable": {
                "thread_id": self.thread_id,
                "checkpoint_ns": place.checkpoint_ns,
                "checkpoint_id": place.checkpoint_id,
            }
        }


def leftover(questions: Iterable[Question]) -> Question | None:
    """A question on whose head a plain resume has left its answer."""
    return next((question for question in questions if question.leftover_answer), None)
