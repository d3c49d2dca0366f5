"""A decorator that asks a person before a tool function runs, in whichever node calls it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from langgraph.errors import GraphInterrupt

from hitloop_tui.core.interfaces import PolicyVerdict
from hitloop_tui.core.models import Action, RiskClass, ToolResult
from hitloop_tui.langgraph.answers import Refused
from hitloop_tui.langgraph.asking import Asked, Settled, ask_people
from hitloop_tui.langgraph.decided import person_decision
from hitloop_tui.langgraph.execution import Place, current_place
from hitloop_tui.langgraph.notice import InterruptCallback, Notice
from hitloop_tui.langgraph.plain import plain, stable_action
from hitloop_tui.langgraph.question import question
from hitloop_tui.langgraph.signed import Signatures, signers_file
from hitloop_tui.langgraph.telemetry import GateLogger

Args = dict[str, Any]
RiskClassResolver = RiskClass | Callable[[Args], RiskClass]
"""A fixed risk class, or a function that computes it from the arguments."""
AnomalyValidator = Callable[[Args], tuple[bool, str]]
"""Says whether the arguments are unusual, and why."""
F = TypeVar("F", bound=Callable[..., Any])

POLICY = "hitl_action"
INJECTED = ("RunnableConfig", "ToolRuntime", "InjectedState", "InjectedStore", "InjectedTool")
"""Types of parameters that LangChain fills in: no person is asked about them."""


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


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a guarded tool, and the place it happens at."""

    action: Action
    reason: str
    place: Place
    values: dict[str, Any]


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
        self.signature = inspect.signature(function)
        self.hidden = frozenset(_hidden(self.signature))

    def wrapped(self) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(self.function):

            @functools.wraps(self.function)
            async def guarded_async(*args: Any, **kwargs: Any) -> Any:
                bound, call = self._call(args, kwargs)
                try:
                    settled = self._ask(bound, call)
                except GraphInterrupt as paused:
                    await self.notice.agive(paused, call.values, call.place)
                    raise
                refusal = self._decided(call, settled)
                if refusal is not None:
                    return refusal
                run = self._with(bound, call.action, settled.action)
                with _Timed(self.notice.logger, call, settled.action) as timed:
                    timed.output = await self.function(*run.args, **run.kwargs)
                return timed.output

            return guarded_async

        @functools.wraps(self.function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            bound, call = self._call(args, kwargs)
            try:
                settled = self._ask(bound, call)
            except GraphInterrupt as paused:
                self.notice.give(paused, call.values, call.place)
                raise
            refusal = self._decided(call, settled)
            if refusal is not None:
                return refusal
            run = self._with(bound, call.action, settled.action)
            with _Timed(self.notice.logger, call, settled.action) as timed:
                timed.output = self.function(*run.args, **run.kwargs)
            return timed.output

        return guarded

    def _call(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[inspect.BoundArguments, _Call]:
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        place, shown = current_place(), self._shown(bound)
        risk, reasons = self._risk(shown)
        reason = "; ".join(reasons) if reasons else f"Every call of {self.name} needs approval."
        call = {"tool_name": self.name, "tool_args": plain(shown), "risk_class": risk}
        values = {"run_id": place.thread_id or None}
        return bound, _Call(stable_action(call, place.scope), reason, place, values)

    def _shown(self, bound: inspect.BoundArguments) -> Args:
        """The arguments by name, as a person sees and edits them."""
        shown: Args = {}
        for name, value in bound.arguments.items():
            if name in self.hidden:
                continue
            if self.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                shown |= value
            else:
                shown[name] = value
        return shown

    def _risk(self, args: Args) -> tuple[RiskClass, list[str]]:
        try:
            computed = self.risk_class(args) if callable(self.risk_class) else self.risk_class
            risk, reasons = RiskClass(computed), []
        except Exception as error:
            risk, reasons = RiskClass.HIGH, [f"The risk could not be computed: {error}"]
        for validator in self.validators:
            try:
                unusual, why = validator(args)
            except Exception as error:
                unusual, why = True, f"Validator error: {error}"
            if unusual:
                risk = RiskClass.HIGH
                reasons.append(f"Anomaly: {why}")
        return risk, reasons

    def _ask(self, bound: inspect.BoundArguments, call: _Call) -> Settled:
        def pose(asked: Asked, error: str | None) -> list[dict[str, Any]]:
            text = self._description(asked.action)
            signed = self.signers is not None
            return question(
                asked, POLICY, call.values, error=error, description=text, signed=signed
            )

        def check(edited: Action) -> PolicyVerdict:
            if edited.tool_name != self.name:
                raise Refused(f"Only {self.name} can run here; its arguments can be edited.")
            try:
                self._with(bound, call.action, edited)
            except TypeError as error:
                raise Refused(f"The edited arguments do not fit {self.name}: {error}.") from None
            return PolicyVerdict("auto_approve", "Edited by a person.")

        verify = Signatures(self.signers).checked if self.signers else None
        return ask_people(Asked(call.action, call.reason), pose, check, verify)

    def _description(self, action: Action) -> str | None:
        if self.description is None:
            return None
        return self.description.format(
            tool_name=self.name, args=action.tool_args, risk=action.risk_class.value
        )

    def _with(
        self, bound: inspect.BoundArguments, proposed: Action, final: Action
    ) -> inspect.BoundArguments:
        """The call that runs; TypeError when edited arguments do not fit the function."""
        if final.digest() == proposed.digest():
            return bound
        edited, positional = dict(final.tool_args), []
        for name, parameter in self.signature.parameters.items():
            if name in self.hidden:
                edited[name] = bound.arguments[name]
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                positional += edited.pop(name, [])
            elif parameter.kind is not inspect.Parameter.KEYWORD_ONLY and name in edited:
                positional.append(edited.pop(name))
        return self.signature.bind(*positional, **edited)

    def _decided(self, call: _Call, settled: Settled) -> Args | None:
        """None for an approval; otherwise what the call returns instead of the tool's result."""
        decision = person_decision(call.action, settled, call.place)
        if self.notice.logger:
            self.notice.logger.log_approval_decided(
                str(call.values["run_id"] or "unknown"), decision, channel="interrupt"
            )
        match settled.answer.verdict:
            case "respond":
                return {"rejected": True, "human_response": settled.answer.response}
            case "ignore":
                return {"rejected": True, "reason": "Ignored by human"}
            case "reject":
                return {"rejected": True, "reason": settled.answer.text or "Rejected by human"}
            case _:
                return None


class _Timed:
    """The tool's run in the telemetry."""

    output: Any = None

    def __init__(self, logger: GateLogger | None, call: _Call, action: Action) -> None:
        self.logger, self.action = logger, action
        self.run_id = str(call.values["run_id"] or "unknown")
        self.started_at = datetime.now(UTC)

    def __enter__(self) -> _Timed:
        if self.logger:
            self.logger.log_tool_execution_start(self.run_id, self.action)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.logger is None or isinstance(error, GraphInterrupt):
            return
        result = ToolResult(
            action_id=self.action.id,
            success=error is None,
            error=None if error is None else str(error),
            error_class=None if error is None else type(error).__name__,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
        )
        self.logger.log_tool_execution_end(self.run_id, result)


def _hidden(signature: inspect.Signature) -> list[str]:
    names = list(signature.parameters)
    injected = [
        name
        for name, parameter in signature.parameters.items()
        if any(mark in str(parameter.annotation) for mark in INJECTED)
    ]
    return [*(name for name in names[:1] if name in ("self", "cls")), *injected]
