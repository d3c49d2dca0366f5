"""What a gate reports, and to whom: any object with these methods."""

from __future__ import annotations

from typing import Any, Protocol

from langgraph.config import get_config

from hitloop_tui.core.logger import TelemetryLogger
from hitloop_tui.core.models import Action, ApprovalRequest, Decision, ToolResult


class GateLogger(Protocol):
    """The part of `TelemetryLogger` that the gate and the tool node write to."""

    def log_action_proposed(
        self, run_id: str, action: Action, injected_error: bool = False
    ) -> object: ...

    def log_approval_requested(
        self, run_id: str, request: ApprovalRequest, channel: str = ...
    ) -> object: ...

    def log_approval_decided(
        self, run_id: str, decision: Decision, channel: str = ...
    ) -> object: ...

    def log_tool_execution_start(self, run_id: str, action: Action) -> object: ...

    def log_tool_execution_end(self, run_id: str, result: ToolResult) -> object: ...

    def log_error(self, run_id: str, error: Exception, context: dict[str, Any]) -> object: ...


def _thread_of_node() -> str | None:
    """The thread of the node that calls this; None outside of a graph."""
    try:
        thread_id = get_config().get("configurable", {}).get("thread_id")
    except RuntimeError:
        return None
    return None if thread_id is None else str(thread_id)


TelemetryLogger.thread_of_caller = staticmethod(_thread_of_node)
