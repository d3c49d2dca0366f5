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
    "Decision": "hitloop_tui.core.models",
    "EventType": "hitloop_tui.core.models",
    "HITLPolicy": "hitloop_tui.core.interfaces",
    "RiskBasedPolicy": "hitloop_tui.policies",
    "RiskClass": "hitloop_tui.core.models",
    "ToolResult": "hitloop_tui.core.models",
    "TraceEvent": "hitloop_tui.core.models",
    "Worker": "hitloop_tui.attach.worker",
}

__all__ = ["__version__", *sorted(_HOMES)]
__version__ = version("hitloop-tui")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
