"""The tool node: runs what the gate approved, exactly that, and not twice."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp
from pydantic import ValidationError

from hitloop_tui.core.models import Action, Decision, ToolResult
from hitloop_tui.langgraph.decided import run_id_of
from hitloop_tui.langgraph.execution import current_place, run_to_end
from hitloop_tui.langgraph.plain import (
    dump_decision,
    has_name,
    plain,
    stable_action,
    state_values,
)
from hitloop_tui.langgraph.spending import NOBODY_KNOWS, Spender, Spent
from hitloop_tui.langgraph.telemetry import GateLogger

Tool = Callable[..., Any] | BaseTool
OnError = Literal["raise", "record"]
Update = dict[str, Any]
NO_ROOM = (
    "no gate has left a decision in the state: its schema needs proposed_action,"
    " approval_decision, hitl_status and tool_result, or LangGraph drops what the gate says"
)


def create_interrupt_tool_node(
    tool_registry: Mapping[str, Tool] | Sequence[Tool],
    logger: GateLogger | None = None,
    require_approval: bool = True,
    on_error: OnError = "raise",
) -> ApprovedTools:
    """A node that runs `proposed_action` if `approval_decision` approves this very call.

    It writes `tool_result` and marks the decision as spent; when it refuses, nothing runs and
    `tool_result["status"]` says why. Tools are functions or LangChain tools, sync or async, by
    name or as a list. A state without `approval_decision` is an error and no refusal: LangGraph
    drops what its schema does not name, and an approved tool would be skipped without a word.

    An approval pays for one call: a second pass through the node, a second `Send` to it, a fork of
    the thread from before the call, and a second process that resumed the same question find it
    spent (`hitl_status` is `already_executed`). Where a process died in the middle of the call, or
    is making it still, `tool_result["status"]` is `outcome_unknown`, and it is not repeated.
    All this needs a checkpointer that has stored the gate's checkpoint (with `durability="exit"` it
    has not); without it nothing but the `spent` of the decision in the state is known.

    A tool that raises: with `on_error="raise"` the node fails, LangGraph keeps the thread where it
    is, and running the task again (a retry policy, `invoke(None)`) calls the tool again with the
    same approval. With `"record"` the failure becomes the result and the approval is spent.
    """
    return ApprovedTools(_by_name(tool_registry), logger, require_approval, on_error)


def _by_name(tools: Mapping[str, Tool] | Sequence[Tool]) -> dict[str, Tool]:
    if isinstance(tools, Mapping):
        return dict(tools)
    return {getattr(tool, "name", None) or tool.__name__: tool for tool in tools}  # type: ignore[union-attr]


class RefusedCall(Exception):
    """The call is not covered by an approval; `update` is what the node returns instead."""

    def __init__(self, status: str, error: str, **more: Any) -> None:
        super().__init__(error)
        result = {"success": False, "result": None, "status": status, "error": error, **more}
        self.update: Update = {"hitl_status": status, "tool_result": result}


def _check(spent: Spent) -> None:
    if spent == "by another":
        raise AlreadyRun
    if spent == "by this task":
        raise RefusedCall("outcome_unknown", NOBODY_KNOWS)


def _spender(decision: Decision | None) -> Spender | None:
    if decision is None or decision.decided_in is None:
        return None
    place = current_place()
    return Spender(place.elsewhere(decision.decided_in), place.task_id, place.order)


class AlreadyRun(RefusedCall):
    """The approval is spent; the result of the call it paid for, if it is here, stays."""

    def __init__(self) -> None:
        super().__init__("already_executed", "This approval was used before.")
        del self.update["tool_result"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was approved."""

    run_id: str
    action: Action
    tool: Tool
    decision: Decision | None
    spender: Spender | None
    """None when nobody can know where the approval was given."""


class ApprovedTools(Runnable[Any, Update]):
    """The node itself, for sync and async graphs and tools."""

    def __init__(
        self,
        tools: dict[str, Tool],
        logger: GateLogger | None,
        require_approval: bool,
        on_error: OnError,
    ) -> None:
        self.tools = tools
        self.logger = logger
        self.require_approval = require_approval
        self.on_error = on_error
        self.name = "execute_tool"

    def __call__(self, state: Any) -> Update:
        return self.invoke(state)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Update:  # noqa: A002 - the name is LangChain's
        try:
            call = self._admit(state_values(input))
            if call.spender:
                _check(call.spender.spend())
        except RefusedCall as refused:
            return refused.update
        started = self._start(call)
        try:
            output = _run(call.tool, call.action.tool_args)
        except Exception as error:
            if call.spender and self._is_open(error):
                call.spender.take_back()
            return self._failed(call, started, error)
        return self._record(call, started, success=True, result=_shown(output))

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - the name is LangChain's
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Update:
        try:
            call = self._admit(state_values(input))
            if call.spender:
                _check(await call.spender.aspend())
        except RefusedCall as refused:
            return refused.update
        started = self._start(call)
        try:
            output = await _arun(call.tool, call.action.tool_args)
        except Exception as error:
            if call.spender and self._is_open(error):
                await call.spender.atake_back()
            return self._failed(call, started, error)
        return self._record(call, started, success=True, result=_shown(output))

    def _admit(self, values: dict[str, Any]) -> Call:
        raw = values.get("proposed_action")
        if raw is None:
            raise RefusedCall("no_action", "There is no action to run.")
        action = stable_action(raw, "")
        decision = None
        if self.require_approval:
            decision = self._approval(values, action, has_name(raw))
            action = action.model_copy(update={"id": decision.action_id})
        tool = self.tools.get(action.tool_name)
        if tool is None:
            error = f"There is no tool named {action.tool_name!r}."
            raise RefusedCall("unknown_tool", error, action_id=action.id)
        return Call(run_id_of(values), action, tool, decision, _spender(decision))

    def _start(self, call: Call) -> datetime:
        if self.logger:
            self.logger.log_tool_execution_start(call.run_id, call.action)
        return datetime.now(UTC)

    def _approval(self, values: dict[str, Any], action: Action, named: bool) -> Decision:
        """The decision that lets `action` run.

        One without a digest was not made by our gate and is bound to the Action's id alone; with a
        digest the id does not matter when nobody gave one and each execution makes its own.
        """
        if "approval_decision" not in values:
            raise KeyError(NO_ROOM)
        decision = _decision(values["approval_decision"], action)
        if not decision.approved:
            why = {"action_id": action.id, "rejection_reason": decision.reason}
            raise RefusedCall("not_approved", f"Not approved: {decision.reason}", **why)
        same_call = decision.digest in (None, action.digest())
        same_action = decision.action_id == action.id or (decision.digest and not named)
        if not (same_call and same_action):
            error = "What is about to run is not what was approved."
            raise RefusedCall("digest_mismatch", error, action_id=action.id)
        if decision.spent:
            raise AlreadyRun
        return decision

    def _is_open(self, error: Exception) -> bool:
        """Whether the task is to be executed again: it failed, or the tool itself asks a person."""
        return self.on_error == "raise" or isinstance(error, GraphBubbleUp)

    def _failed(self, call: Call, started: datetime, error: Exception) -> Update:
        if isinstance(error, GraphBubbleUp):
            raise error
        if self.logger:
            self.logger.log_error(call.run_id, error, {"action_id": call.action.id})
        if self.on_error == "raise":
            raise error
        kind, text = type(error).__name__, plain(str(error))
        return self._record(call, started, success=False, error=text, error_class=kind)

    def _record(self, call: Call, started: datetime, **outcome: Any) -> Update:
        result = ToolResult(
            action_id=call.action.id, started_at=started, finished_at=datetime.now(UTC), **outcome
        )
        if self.logger:
            self.logger.log_tool_execution_end(call.run_id, result)
        shown = {
            **result.model_dump(mode="json", exclude={"result"}),
            "result": result.result,
            "status": "executed" if result.success else "failed",
            "execution_time_ms": result.execution_time_ms(),
        }
        if call.decision is None:
            return {"tool_result": shown}
        spent = call.decision.model_copy(update={"spent": True})
        return {"tool_result": shown, "approval_decision": dump_decision(spent)}


def _decision(raw: Any, action: Action) -> Decision:
    if isinstance(raw, Decision):
        return raw
    try:
        return Decision.model_validate(raw)
    except ValidationError:
        error = "There is no decision about this action."
        raise RefusedCall("no_decision", error, action_id=action.id) from None


def _shown(output: Any) -> Any:
    """Never raises: the tool has run, and a failed node would run it again."""
    try:
        return plain(output)
    except Exception as error:
        return f"{type(output).__name__} that cannot be shown: {type(error).__name__}"


def _run(tool: Tool, args: dict[str, Any]) -> Any:
    if isinstance(tool, BaseTool):
        only_async = getattr(tool, "func", True) is None
        return run_to_end(tool.ainvoke(args)) if only_async else tool.invoke(args)
    output = tool(**args)
    return run_to_end(_finish(output)) if inspect.isawaitable(output) else output


async def _arun(tool: Tool, args: dict[str, Any]) -> Any:
    if isinstance(tool, BaseTool):
        return await tool.ainvoke(args)
    if inspect.iscoroutinefunction(tool):
        return await tool(**args)
    output = await asyncio.to_thread(tool, **args)
    return await output if inspect.isawaitable(output) else output


async def _finish(output: Awaitable[Any]) -> Any:
    return await output
