"""A terminal approval console for LangGraph agents, and the human-in-the-loop library behind it.

Importing this package loads neither Textual nor LangGraph: names are resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

_HOMES = {
    "Action": "hitloop_tui.core.models",
    "ApprovalBackend": "hitloop_tui.core.interfaces",
    "ApprovalRequest": "hitloop_tui.core.models",
    "AlwaysApprovePolicy": "hitloop_tui.policies",
    "AuditPlusEscalatePolicy": "hitloop_tui.policies",
    "CLIBackend": "hitloop_tui.backends",
    "Decision": "hitloop_tui.core.models",
    "EventType": "hitloop_tui.core.models",
    "HITLPolicy": "hitloop_tui.core.interfaces",
    "PolicyVerdict": "hitloop_tui.core.interfaces",
    "RiskBasedPolicy": "hitloop_tui.policies",
    "RiskClass": "hitloop_tui.core.models",
    "RulePolicy": "hitloop_tui.policies",
    "RunMetadata": "hitloop_tui.core.models",
    "TelemetryLogger": "hitloop_tui.core.logger",
    "ToolResult": "hitloop_tui.core.models",
    "TraceEvent": "hitloop_tui.core.models",
    "Worker": "hitloop_tui.attach.worker",
    "execute_tool_node": "hitloop_tui.langgraph",
    "hitl_gate_node": "hitloop_tui.langgraph",
}

__all__ = ["__version__", *sorted(_HOMES)]
__version__ = version("hitloop-tui")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
