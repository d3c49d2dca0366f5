"""Which answer was given to which question of a task.

LangGraph numbers a task's answers and hands them out in the order in which `interrupt()` is called.
Between a question and its answer the state, the policy, or the order of parallel calls may change,
and an answer that is given twice (a plain resume is kept until the superstep ends) goes to whoever
asks next. Here an answer counts for the question that was open when it was given, and for no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from langgraph.errors import GraphInterrupt
from langgraph.types import Interrupt, interrupt

from hitloop_tui.langgraph.asked import Asked, key_of
from hitloop_tui.langgraph.execution import Place

Detail = dict[str, Any]
"""The part of a question that is ours, under `hitloop`."""
NOBODY = ""

_drawing = threading.Lock()


class Dialogue:
    """The questions a task has asked so far, and their answers."""

    def __init__(self, place: Place) -> None:
        self.place = place
        held = _open_question(place)
        self.open_id: str | None = held.id if held else None
        """The question that was open when this run began."""
        self.payload: Any = held.value if held else None
        self.open: Detail | None = held.value[0]["hitloop"] if held else None
        """What is ours of its payload."""
        place.drop_leftover()
        self.drawn = _draw(place) if held or place.answers else 0
        """How many answers `interrupt()` handed out to find those of this dialogue."""
        before = self.open.get("answered", []) if self.open else []
        self.unanswered = held is not None and len(place.answers) <= len(before)
        """Whether the open question is open still."""
        strays = [NOBODY] * len(place.answers)
        asked = [*before, key_of(self.open)] if self.open else []
        self._given_to = [*asked, *strays][: len(place.answers)]
        self._taken: set[int] = set()

    @property
    def answered(self) -> bool:
        """Whether the task was given any answer."""
        return bool(self.place.answers)

    def is_open(self, asked: Asked) -> bool:
        """Whether this is the question that was open when this run began."""
        return self.open is not None and key_of(self.open) == asked.key

    def knows(self, asked: Asked) -> bool:
        """Whether an answer was given to this question."""
        return asked.key in self._given_to

    def answer(self, asked: Asked, pose: Callable[[list[str]], Any]) -> Any:
        """The next answer to this question; asks it (`GraphInterrupt`) when there is none left.

        `pose` gets what the question must carry as `answered`: whom the answers so far went to.
        """
        for number, key in enumerate(self._given_to):
            if key == asked.key and number not in self._taken:
                self._taken.add(number)
                return self.place.answers[number]
        while True:  # what comes back instead of an interrupt was meant for somebody else
            interrupt(pose(self._given_to))
            self._given_to += [NOBODY] * (len(self.place.answers) - len(self._given_to))


def _open_question(place: Place) -> Interrupt | None:
    """What the checkpoint holds as the question of this task, if it is one of ours."""
    for task_id, channel, value in place.rows():
        if task_id == place.task_id and channel == "__interrupt__":
            for held in value:
                match held.value:
                    case [{"hitloop": {"action": {"id": _}, "digest": str()} as detail}]:
                        number = len(detail.get("answered", ()))
                        if held.id == interrupt_id(place, number):
                            found: Interrupt = held
                            return found
    return None


def interrupt_id(place: Place, number: int) -> str:
    """The id LangGraph gives a task's question; a question of a subgraph, which is stored with the
    task that called it as well, has another one."""
    namespace = f"{place.task_ns}|{number}" if number else place.task_ns
    return Interrupt.from_ns(None, namespace).id


def skip_answers(count: int) -> None:
    """Let the next `interrupt()` of the node have the answer after these."""
    with suppress(GraphInterrupt):
        for _ in range(count):
            interrupt(None)


def _draw(place: Place) -> int:
    """Let LangGraph hand out every answer, a plain resume's too: then `place.answers` has it."""
    drawn = 0
    with _drawing, suppress(GraphInterrupt):
        while True:
            interrupt(None)
            drawn += 1
    return drawn
