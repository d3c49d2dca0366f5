"""Asking people until their answers settle the question.

A refused answer leads to the same question again, with the refusal in it: raising instead would
store the bad answer for good, and every later one would be ignored. A question that several people
must approve is asked again after each of them, with their names in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hitloop_tui.core.interfaces import HITLPolicy, PolicyVerdict, policy_verdict
from hitloop_tui.core.models import Action, RiskClass
from hitloop_tui.core.people import nobody, same_person
from hitloop_tui.langgraph.answers import Answer, Refused, read_answer
from hitloop_tui.langgraph.asked import Asked
from hitloop_tui.langgraph.dialogue import Dialogue
from hitloop_tui.langgraph.plain import stable_action


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of a question: what may run, and the answer that says so or does not."""

    action: Action
    answer: Answer
    approvals: tuple[str, ...] = ()


Pose = Callable[[Asked, str | None, list[str]], Any]
"""The interrupt value of a question. The text says why the answer before was refused; the list is
what the question carries as `answered`."""
Check = Callable[[Action], PolicyVerdict]
"""What the policy says about an edited call; may raise `Refused`."""
Verify = Callable[[Any, Asked], Any]
"""An answer, once its signatures are checked; may raise `Refused`."""


def ask_people(
    asked: Asked,
    dialogue: Dialogue,
    pose: Pose,
    check: Check,
    error: str | None = None,
    verify: Verify | None = None,
) -> Settled:
    """Raises `GraphInterrupt` while the question is open."""
    while True:
        value = dialogue.answer(asked, partial(pose, asked, error))
        try:
            if verify is not None:
                value = verify(value, asked)
            step = _after(read_answer(value, asked), asked, check)
        except Refused as refusal:
            error = str(refusal)
            continue
        if isinstance(step, Settled):
            return step
        asked, error = step, None


def edit_verdict(policy: HITLPolicy, edited: Action, state: dict[str, Any]) -> PolicyVerdict:
    """What the policy says about an edited call; raises `Refused` when it cannot judge that."""
    try:
        return policy_verdict(policy, edited, state)
    except Exception as error:
        raise Refused(f"The policy cannot judge the edited call: {error!r}") from error


def _after(answer: Answer, asked: Asked, check: Check) -> Asked | Settled:
    if answer.verdict not in ("approve", "edit"):
        return Settled(asked.action, answer, asked.approvals)
    edited = edited_action(asked.action, answer)
    if edited is asked.action or edited.digest() == asked.action.digest():
        return _approved(asked, answer)
    verdict = check(edited)
    if verdict.outcome == "reject":
        raise Refused(f"The policy refuses the edited call: {verdict.reason}")
    people = max(asked.people, verdict.people)
    if verdict.outcome == "ask" and edited.tool_name != asked.action.tool_name:
        before = asked.action.tool_name
        return Asked(edited, f"A person changed the tool from {before}. {verdict.reason}", people)
    reason = f"{answer.decided_by} changed the arguments. {asked.reason}"
    return _approved(Asked(edited, reason, people), answer)


def _approved(asked: Asked, answer: Answer) -> Asked | Settled:
    """`asked` with one more approval; settled when they are enough."""
    if asked.people == 1:
        return Settled(asked.action, answer)
    approvals = asked.approvals
    for who in answer.approved_by or (answer.decided_by,):
        if not (answer.approved_by and who in asked.approvals):
            approvals = with_approval(approvals, who, asked.people)
    if len(approvals) >= asked.people:
        return Settled(asked.action, answer, approvals)
    return replace(asked, approvals=approvals)


def with_approval(approvals: tuple[str, ...], who: str, people: int) -> tuple[str, ...]:
    """Raises `Refused` for somebody without a name, and for one who has approved already."""
    if nobody(who):
        raise Refused(f"{people} people must approve this: the answer must say who decided.")
    if any(same_person(who, other) for other in approvals):
        raise Refused(f"{people} people must approve this, and {who} has approved already.")
    return (*approvals, who)


def edited_action(action: Action, answer: Answer) -> Action:
    """The Action after an answer. What was said about one tool says nothing about another one."""
    if answer.verdict != "edit":
        return action
    if answer.tool_name in (None, action.tool_name):
        return action.model_copy(update={"tool_args": answer.args})
    call = {"tool_name": answer.tool_name, "tool_args": answer.args, "risk_class": RiskClass.HIGH}
    return stable_action(call, action.id)
