"""How attempts ended, from what is open on the thread afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import Act, Identity, Question
from hitloop_tui.attach.stream_events import RunEvents, error_text

Kind = Literal["applied", "failed", "stale", "uncertain", "blocked"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt."""

    kind: Kind
    detail: str = ""


STOPPED = Outcome(
    "uncertain", "the worker was stopped while it applied this: the tool may have run"
)
MOVED_ON = Outcome("stale", "the thread moved on: this question is no longer open")
NOT_AS_WRITTEN = Outcome(
    "stale", "the ledger's row is not what was written when this was decided: see `audit verify`"
)
TAKEN_BACK = Outcome("stale", "the decision was taken back")
OTHER_ANSWER = Outcome(
    "stale", "the answer that is stored now is not this decision's: another program has answered"
)
ENDED = Outcome(
    "stale", "the answer was taken and the thread is at its end: there is nothing to try again"
)
REPLACED = Outcome(
    "uncertain", "another file took the database's place meanwhile: the tool may have run"
)
NOT_STARTED = Outcome("blocked", "the worker was stopped before it applied this")


def second_look(question: Question | None, record: Record) -> Outcome | None:
    """Why a decision must not be applied to what the thread asks now; None when it may.

    A stored answer to this very question is run again only when a person ordered that; whether it
    is this decision's, only the saver can tell.
    """
    if question is None:
        return MOVED_ON
    if question.digest != record.digest:
        return Outcome("stale", "the question's content changed after it was decided")
    if question.answered and record.ordered is not Act.RETRY:
        return Outcome(
            "stale", f"another program answered this and the task then raised {question.error}"
        )
    if question.leftover_answer and not question.leftover_spent:
        return Outcome(
            "uncertain",
            "not applied: another program has given this thread an answer that no task has taken"
            " yet, and may be running it; if it is gone, clear takes that answer away",
        )
    return None


def same_answer(stored: Any, decided: Any) -> bool:
    """Whether a stored answer is the decided one, types included."""
    return _text(stored) == _text(decided)


def _text(answer: Any) -> str:
    return json.dumps(answer, sort_keys=True, default=repr)


def after_run(question: Identity, open_now: Iterable[Question]) -> Outcome:
    """After a run that raised nothing."""
    if any(other.identity == question for other in open_now):
        return Outcome("failed", "the run ended and the question is still open")
    return Outcome("applied")


def after_error(
    question: Identity,
    open_now: Iterable[Question],
    superstep: AbstractSet[str],
    events: RunEvents,
    error: BaseException,
) -> Outcome:
    """After a run that raised.

    The task of an answered question can have failed itself, been cancelled because a sibling
    failed, finished beside a failing sibling, or finished before a later node failed.
    """
    said = error_text(error)
    still = [other for other in open_now if _same_question(other.identity, question)]
    if still and still[0].consumed:
        return Outcome("failed", f"the answer was taken; then {_where(events)}{said}")
    if still:
        if not question.task_id:  # a breakpoint's
            return Outcome("failed", f"{_where(events)}{said}")
        if question.task_id in events.failed:
            return Outcome("failed", f"{_where(events, question.task_id)}{said}")
        if question.task_id in events.started and superstep & events.failed.keys():
            return Outcome("uncertain", f"stopped halfway because another task raised {said}")
        if question.task_id in events.started:
            return Outcome("uncertain", f"the tool may have run; then the run raised {said}")
        return Outcome("failed", f"the answer was not given, the run raised {said}")
    if question.task_id in superstep and superstep & events.failed.keys():
        return Outcome("applied", f"a task beside it raised {said}")
    return Outcome("failed", f"the answer was taken; then {_where(events)}{said}")


def _same_question(now: Identity, before: Identity) -> bool:
    """Apart from the answer that this run has stored meanwhile."""
    return (now.checkpoint_id, now.task_id, now.interrupt_id) == (
        before.checkpoint_id,
        before.task_id,
        before.interrupt_id,
    )


def _where(events: RunEvents, task_id: str | None = None) -> str:
    node = events.failed.get(task_id) if task_id else next(iter(events.failed.values()), None)
    return f"{node} raised " if node else "the run raised "
