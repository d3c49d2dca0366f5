"""A decorator that asks a person before a tool function runs, in whichever node calls it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from langgraph.errors import GraphInterrupt

from hitloop_tui.core.digest import canonical_json
from hitloop_tui.core.interfaces import PolicyVerdict
from hitloop_tui.core.models import Action, RiskClass
from hitloop_tui.langgraph.answers import Answer, Refused
from hitloop_tui.langgraph.asked import Asked
from hitloop_tui.langgraph.asking import ask_people
from hitloop_tui.langgraph.decided import person_decision, run_id_of
from hitloop_tui.langgraph.execution import current_place
from hitloop_tui.langgraph.guarded_call import Args, GuardedCall, Timed
from hitloop_tui.langgraph.memory import call_number, first_question
from hitloop_tui.langgraph.notice import InterruptCallback, Notice
from hitloop_tui.langgraph.plain import plain, stable_action
from hitloop_tui.langgraph.question import question
from hitloop_tui.langgraph.replay import aforget_answers, forget_answers
from hitloop_tui.langgraph.signature import Signature
from hitloop_tui.langgraph.signed import Signatures, signers_file
from hitloop_tui.langgraph.spending import NOBODY_KNOWS
from hitloop_tui.langgraph.telemetry import GateLogger

RiskClassResolver = RiskClass | Callable[[Args], RiskClass]
"""A fixed risk class, or a function that computes it from the arguments."""
AnomalyValidator = Callable[[Args], tuple[bool, str]]
"""Says whether the arguments are unusual, and why."""
F = TypeVar("F", bound=Callable[..., Any])

POLICY = "hitl_action"
UNKNOWN = {"rejected": True, "outcome_unknown": True, "reason": NOBODY_KNOWS}


def hitl_action(
    risk_class: RiskClassResolver = RiskClass.MEDIUM,
    anomaly_validators: Sequence[AnomalyValidator] | None = None,
    description: str | None = None,
    on_interrupt: InterruptCallback | None = None,
    logger: GateLogger | None = None,
    allowed_signers: Path | str | None = None,
) -> Callable[[F], F]:
    """Decorates a tool, sync or async, so that every call waits for a person's approval.

    A validator that finds an anomaly, or fails, makes the risk HIGH and is named in the question;
    so does a `risk_class` function that fails. `description` is a template over `tool_name`,
    `args` and `risk`. The tool runs with the approved or edited arguments; otherwise the call
    returns a dict with `rejected` and `reason` or `human_response`. It must be called inside of a
    graph with a checkpointer. `allowed_signers` is as for `create_interrupt_gate_node`.

    LangGraph executes a node from its beginning after every answer. What a guarded call returned is
    kept with the checkpoint, as the checkpointer gives it back, so that a call which was made is
    not made again when the node asks about another one. A tool that raised runs again, with its
    approval, when its node does. Where a process died in the middle of the call, or another one is
    making it still, it is not repeated: `outcome_unknown` and `reason` are returned instead, and
    only a person's `retry` makes it again.
    """
    validators = tuple(anomaly_validators or ())
    signers = signers_file(allowed_signers)

    def decorate(function: F) -> F:
        notice = Notice(logger, on_interrupt)
        guard = _Guard(function, risk_class, validators, description, notice, signers)
        wrapper = guard.wrapped()
        wrapper.__dict__["_hitl_action"] = True
        wrapper.__dict__["_hitl_config"] = {
            "risk_class": risk_class,
            "anomaly_validators": list(validators),
        }
        return cast("F", wrapper)

    return decorate


class _Guard:
    def __init__(
        self,
        function: Callable[..., Any],
        risk_class: RiskClassResolver,
        validators: tuple[AnomalyValidator, ...],
        description: str | None,
        notice: Notice,
        signers: Path | None,
    ) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)
        self.risk_class = risk_class
        self.validators = validators
        self.description = description
        self.notice = notice
        self.signers = signers
        self.signature = Signature(function)

    def wrapped(self) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(self.function):

            @functools.wraps(self.function)
            async def guarded_async(*args: Any, **kwargs: Any) -> Any:
                return await self._arun(self._call(args, kwargs))

            return guarded_async

        @functools.wraps(self.function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return self._run(self._call(args, kwargs))

        return guarded

    def _run(self, call: GuardedCall) -> Any:
        forget_answers(call.place)
        if (over := call.known("output") or call.known("refusal")) is not None:
            return over["value"]
        try:
            approved, refusal = self._settle(call)
        except GraphInterrupt as paused:
            first = first_question(call.place, paused)
            if first is paused:
                self.notice.give(paused, call.dialogue, call.values)
            raise GraphInterrupt(*first.args) from None
        if approved is None:
            call.keep("refusal", refusal)
            return refusal
        run = self._with(call, approved)
        if call.spender.spend() != "by us":
            return dict(UNKNOWN)
        try:
            with self._timed(call, approved):
                output = self.function(*run.args, **run.kwargs)
        except Exception:
            call.keep("approval", approved.tool_args)
            call.spender.take_back()
            raise
        call.keep("output", output)
        return output

    async def _arun(self, call: GuardedCall) -> Any:
        """`_run` for an async function."""
        await aforget_answers(call.place)
        if (over := call.known("output") or call.known("refusal")) is not None:
            return over["value"]
        try:
            approved, refusal = self._settle(call)
        except GraphInterrupt as paused:
            first = first_question(call.place, paused)
            if first is paused:
                await self.notice.agive(paused, call.dialogue, call.values)
            raise GraphInterrupt(*first.args) from None
        if approved is None:
            await call.akeep("refusal", refusal)
            return refusal
        run = self._with(call, approved)
        if await call.spender.aspend() != "by us":
            return dict(UNKNOWN)
        try:
            with self._timed(call, approved):
                output = await self.function(*run.args, **run.kwargs)
        except Exception:
            await call.akeep("approval", approved.tool_args)
            await call.spender.atake_back()
            raise
        await call.akeep("output", output)
        return output

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> GuardedCall:
        bound, place = self.signature.bind(args, kwargs), current_place()
        given = self.signature.shown(bound)
        risk, reasons = self._risk(given)
        reason = "; ".join(reasons) if reasons else f"Every call of {self.name} needs approval."
        raw = {"tool_name": self.name, "tool_args": plain(given), "risk_class": risk}
        number = call_number(place, Action.model_validate(raw).digest())
        scope = f"{place.scope}#{number}" if number else place.scope
        return GuardedCall(stable_action(raw, scope), reason, given, bound, place)

    def _risk(self, args: Args) -> tuple[RiskClass, list[str]]:
        """Each function gets a dict of its own: what is left out of it still runs, and is shown."""
        try:
            computed = self.risk_class(dict(args)) if callable(self.risk_class) else self.risk_class
            risk, reasons = RiskClass(computed), []
        except Exception as error:
            risk, reasons = RiskClass.HIGH, [f"The risk could not be computed: {error}"]
        for validator in self.validators:
            try:
                unusual, why = validator(dict(args))
            except Exception as error:
                unusual, why = True, f"Validator error: {error}"
            if unusual:
                risk = RiskClass.HIGH
                reasons.append(f"Anomaly: {why}")
        return risk, reasons

    def _settle(self, call: GuardedCall) -> tuple[Action | None, Args]:
        """The call to make, or None and what the call returns instead."""
        # What was kept lies in the checkpoint: where signatures count, they are checked again.
        if self.signers is None and (known := call.known("approval")) is not None:
            return call.action.model_copy(update={"tool_args": known["value"]}), {}
        asked = Asked(call.action, call.reason)
        asked_at = call.asked_at(asked)

        def pose(asked: Asked, error: str | None, answered: list[str]) -> Any:
            dialogue = call.dialogue
            if dialogue.unanswered and not dialogue.is_open(asked):
                return dialogue.payload  # of another call: it stays open until it is answered
            return question(
                asked,
                POLICY,
                call.values,
                error=error,
                answered=answered,
                asked_at=asked_at or datetime.now(UTC),
                description=self._description(asked),
                signed=self.signers is not None,
            )

        def check(edited: Action) -> PolicyVerdict:
            return self._edited(call, edited)

        verify = Signatures(self.signers).checked if self.signers else None
        settled = ask_people(asked, call.dialogue, pose, check, verify=verify)
        if self.notice.logger:
            decision = person_decision(call.action, settled, call.place, asked_at)
            run_id = run_id_of(call.values)
            self.notice.logger.log_approval_decided(run_id, decision, channel="interrupt")
        refusal = _refusal(settled.answer)
        return (settled.action, {}) if refusal is None else (None, refusal)

    def _edited(self, call: GuardedCall, edited: Action) -> PolicyVerdict:
        if edited.tool_name != self.name:
            raise Refused(f"Only {self.name} can run here; its arguments can be edited.")
        try:
            self._with(call, edited)
        except TypeError as error:
            raise Refused(f"The edited arguments do not fit {self.name}: {error}.") from None
        return PolicyVerdict("auto_approve", "Edited by a person.")

    def _description(self, asked: Asked) -> str | None:
        if self.description is None:
            return None
        shown = asked.shown
        return self.description.format(
            tool_name=self.name, args=shown["tool_args"], risk=shown["risk_class"]
        )

    def _with(self, call: GuardedCall, final: Action) -> inspect.BoundArguments:
        """The call that runs; TypeError when edited arguments do not fit the function.

        What nobody edited stays what it is, also where a person saw only its text.
        """
        proposed = call.action.tool_args
        return self.signature.rebind(
            call.bound,
            {
                name: call.given[name]
                if name in proposed and _same(value, proposed[name])
                else value
                for name, value in final.tool_args.items()
            },
        )

    def _timed(self, call: GuardedCall, action: Action) -> Timed:
        return Timed(self.notice.logger, run_id_of(call.values), action)


def _same(one: Any, other: Any) -> bool:
    return canonical_json(one) == canonical_json(other)


def _refusal(answer: Answer) -> Args | None:
    """What the call returns instead of running; None when it may run."""
    match answer.verdict:
        case "approve" | "edit":
            return None
        case "respond":
            return {"rejected": True, "human_response": answer.response}
        case "ignore":
            return {"rejected": True, "reason": "Ignored by human"}
        case "reject":
            return {"rejected": True, "reason": answer.text or "Rejected by human"}
