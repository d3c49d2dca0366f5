"""What an interrupt asks, and what its answer must look like.

One adapter per payload shape, tried in order; the last reads anything. Adding one touches this list
and its own file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hitloop_tui.attach.masked import masked_action
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.remembered import Remembered
from hitloop_tui.attach.review import Kind, Question, Reading, Review, ReviewAction, Verdict
from hitloop_tui.attach.shapes import (
    ag_ui,
    agent_inbox,
    ask_user,
    batched,
    free_form,
    hitloop_gate,
    machine,
    schema_form,
    stored_request,
    tool_approval,
    unreadable,
)
from hitloop_tui.attach.shapes.arguments import check_args, check_storable
from hitloop_tui.attach.shapes.base import Shape
from hitloop_tui.attach.shapes.breakpoint import Breakpoint
from hitloop_tui.attach.suspicions import suspicions
from hitloop_tui.errors import InvalidVerdict

__all__ = ["SHAPES", "answer", "check", "check_args", "read"]

SHAPES: tuple[Shape, ...] = (
    unreadable.Unreadable(),
    stored_request.StoredRequest(),
    Breakpoint(),
    hitloop_gate.HitloopGate(),
    tool_approval.ToolApproval(),
    machine.Machine(),
    schema_form.SchemaForm(),
    ask_user.AskUser(),
    batched.Batched(),
    agent_inbox.AgentInbox(),
    ag_ui.AgUi(),
    free_form.FreeForm(),
)

_BY_NAME = {shape.name: shape for shape in SHAPES}

_DOUBTS: Remembered[tuple[str, ...]] = Remembered()
"""By the digest of what they are about, and what is masked in it."""


def read(question: Question, masks: Masks = MASKS) -> Reading | None:
    """The question as Actions; None for one that is not meant for a person.

    Warnings say nothing of values that `masks` hides.
    """
    reading = read_undoubted(question)
    if reading is None:
        return None
    warned = replace(reading, warnings=(*reading.warnings, *question.doubts))
    return _doubted(warned if question.doubts else reading, masks, question.digest)


def read_undoubted(question: Question) -> Reading | None:
    """The same without a look at what could mislead an eye, in a tenth of the time."""
    for shape in SHAPES:
        try:
            reading = shape.read(question)
        except Exception as error:  # the value is somebody else's: it hides no other question
            return unreadable.misread(question, shape.name, error)
        if reading is not None:
            return reading if reading.actions else None
    raise AssertionError("free_form reads everything")


def _doubted(reading: Reading, masks: Masks, digest: str) -> Reading:
    """With a warning for each thing in the Actions that could mislead an eye."""
    content = digest, reading.shape, masks.names
    doubts = _DOUBTS.of(content, lambda: tuple(_doubts(reading.actions, masks)))
    return replace(reading, warnings=(*reading.warnings, *doubts)) if doubts else reading


def _doubts(actions: Sequence[ReviewAction], masks: Masks) -> Iterator[str]:
    for number, action in enumerate(actions, 1):
        for doubt in suspicions(masked_action(masks, action)):
            yield f"Action {number}: {doubt}" if len(actions) > 1 else doubt


def check(review: Review, index: int, verdict: Verdict) -> Verdict:
    """The verdict as it will be recorded: an edit's numbers take the types of the original.

    Raises InvalidVerdict, naming the field, when the Action does not allow it.
    """
    action = review.actions[index]
    if verdict.kind not in action.allowed:
        allowed = ", ".join(kind.value for kind in action.allowed) or "nothing"
        raise InvalidVerdict(
            f"{verdict.kind.value} is not possible for {action.tool_name}; possible: {allowed}"
        )
    check_storable(verdict)
    if verdict.kind is Kind.EDIT:
        if verdict.args is None:
            raise InvalidVerdict("edit needs the whole argument object")
        verdict = replace(verdict, args=check_args(action, verdict.args))
    _BY_NAME[review.reading.shape].check(review, index, verdict)
    return verdict


def answer(review: Review, verdicts: Mapping[int, Verdict], person: Person) -> Any:
    """The value the thread gets. `verdicts` holds a checked one for every Action."""
    in_order = [verdicts[index] for index in range(len(review.actions))]
    return _BY_NAME[review.reading.shape].answer(review, in_order, person)
