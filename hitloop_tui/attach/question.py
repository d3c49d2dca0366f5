"""A question as a source found it, and what makes it this very one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

ID_LENGTH = 16
"""Hex digits of a Review's short id. The ledger keys on all 64; a clash is ambiguous."""


@dataclass(frozen=True)
class Identity:
    """The exact question: a thread that moves on, or asks again, has another one."""

    thread_id: str
    checkpoint_ns: str
    checkpoint_id: str
    task_id: str
    interrupt_id: str
    answers: int
    """How many answers the task already had when it asked: before LangGraph 1.2.20 all questions
    of one task share an interrupt id."""

    @cached_property
    def key(self) -> str:
        """SHA-256 of all six parts, 64 hex digits: the ledger's key."""
        place = [self.thread_id, self.checkpoint_ns, self.checkpoint_id, self.task_id]
        text = json.dumps([*place, self.interrupt_id, self.answers], ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def id(self) -> str:
        return self.key[:ID_LENGTH]

    @classmethod
    def of_key(cls, key: str, thread_id: str) -> Identity:
        """Of a row that still tells its key, and not what the key was made of."""
        identity = cls(thread_id, "", "", "", "", 0)
        identity.__dict__["key"] = key
        return identity


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """The task that asked, where LangGraph keeps its answers: at the root or inside a subgraph."""

    checkpoint_ns: str
    checkpoint_id: str
    task_id: str
    task_path: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """An unanswered interrupt as a source found it, before any shape has read it."""

    identity: Identity
    value: Any
    """The interrupt's value as inert data (see `decode`)."""
    response_schema: dict[str, Any] | None
    digest: str
    """SHA-256 over value and schema: what was shown, whatever the row around it looks like."""
    requested_at: datetime
    node: str | None = None
    graph_id: str | None = None
    error: str | None = None
    """The repr of the exception that the task raised on this checkpoint."""
    answered: bool = False
    """An answer to this very question is stored on its task, yet the task did not finish."""
    consumed: bool = False
    """It was answered inside a subgraph, where its task has ended: the answer can be neither
    cleared nor given again, only the rest of the subgraph can run."""
    leftover_answer: bool = False
    """A plain resume by somebody else lies on the head and would leak into the next question."""
    leftover_spent: bool = False
    """That answer has reached another question, or its task ended without taking it: nobody runs
    this one with it."""
    place: TaskPlace | None = None
    """None where answers are kept in another way."""
    doubts: tuple[str, ...] = ()
    """What the stored bytes hold beside this value, such as a name that stands twice."""
    undecodable: str | None = None
    """Why the value could not be read; `value` then describes the bytes."""

    @property
    def clearable(self) -> bool:
        """Whether its stored answer would be given again, and can be taken away."""
        return self.answered and not self.consumed
