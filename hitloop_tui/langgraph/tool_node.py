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
from hitloop_tui.langgraph.execution import run_to_end
from hitloop_tui.langgraph.plain import dump_decision, plain, stable_action, state_values
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

    A tool that raises: with `on_error="raise"` the node fails, LangGraph keeps the thread where it
    is, and running it again calls the tool again with the same approval. With `"record"` the
    failure becomes the result and the approval is spent. A process that dies between the tool's
    effect and the next checkpoint leaves no trace of the call either: at most once holds between
    crashes, not across them. A tool that must never run twice needs an idempotency key of its own;
    the Action's id is one.
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


class AlreadyRun(RefusedCall):
    """The approval is spent; the result of the call it paid for stays in the state."""

    def __init__(self) -> None:
        super().__init__("already_executed", "This approval was used before.")
        del self.update["tool_result"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that may be made now."""

    run_id: str
    action: Action
    tool: Tool
    decision: Decision | None
    started_at: datetime


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
        except RefusedCall as refused:
            return refused.update
        try:
            return self._finished(call, _run(call.tool, call.action.tool_args))
        except GraphBubbleUp:  # the tool itself asks a person
            raise
        except Exception as error:
            return self._failed(call, error)

    async def ainvoke(
        self,
        input: Any,  # noqa: A002 - the name is LangChain's
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Update:
        try:
            call = self._admit(state_values(input))
        except RefusedCall as refused:
            return refused.update
        try:
            return self._finished(call, await _arun(call.tool, call.action.tool_args))
        except GraphBubbleUp:
            raise
        except Exception as error:
            return self._failed(call, error)

    def _admit(self, values: dict[str, Any]) -> Call:
        raw = values.get("proposed_action")
        if raw is None:
            raise RefusedCall("no_action", "There is no action to run.")
        action = stable_action(raw, "")
        decision = self._approval(values, action) if self.require_approval else None
        tool = self.tools.get(action.tool_name)
        if tool is None:
            error = f"There is no tool named {action.tool_name!r}."
            raise RefusedCall("unknown_tool", error, action_id=action.id)
        run_id = str(values.get("run_id") or "unknown")
        if self.logger:
            self.logger.log_tool_execution_start(run_id, action)
        return Call(run_id, action, tool, decision, datetime.now(UTC))

    def _approval(self, values: dict[str, Any], action: Action) -> Decision:
        """The decision that lets `action` run.

        One without a digest was not made by our gate and is bound to the Action's id alone.
        """
        if "approval_decision" not in values:
            raise KeyError(NO_ROOM)
        decision = _decision(values["approval_decision"], action)
        if not decision.approved:
            why = {"action_id": action.id, "rejection_reason": decision.reason}
            raise RefusedCall("not_approved", f"Not approved: {decision.reason}", **why)
        same_call = decision.digest in (None, action.digest())
        if not same_call or decision.action_id != action.id:
            error = "What is about to run is not what was approved."
            raise RefusedCall("digest_mismatch", error, action_id=action.id)
        if decision.spent:
            raise AlreadyRun
        return decision

    def _finished(self, call: Call, output: Any) -> Update:
        return self._record(call, {"success": True, "result": plain(output)})

    def _failed(self, call: Call, error: Exception) -> Update:
        if self.logger:
            self.logger.log_error(call.run_id, error, {"action_id": call.action.id})
        if self.on_error == "raise":
            raise error
        text = plain(str(error))
        return self._record(
            call, {"success": False, "error": text, "error_class": type(error).__name__}
        )

    def _record(self, call: Call, outcome: dict[str, Any]) -> Update:
        result = ToolResult(
            action_id=call.action.id,
            started_at=call.started_at,
            finished_at=datetime.now(UTC),
            **outcome,
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
