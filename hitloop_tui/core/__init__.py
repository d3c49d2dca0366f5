"""Words of the library: models, interfaces, digests, telemetry. Standard library and pydantic only.

Names are resolved on first use: the console needs the digests without pydantic's start-up time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hitloop_tui.core.interfaces import ApprovalBackend, HITLPolicy, PolicyVerdict
    from hitloop_tui.core.logger import TelemetryLogger
    from hitloop_tui.core.models import (
        Action,
        ApprovalRequest,
        Decision,
        EventType,
        RiskClass,
        RunMetadata,
        ToolResult,
        TraceEvent,
    )

_HOMES = {
    "ApprovalBackend": "interfaces",
    "HITLPolicy": "interfaces",
    "PolicyVerdict": "interfaces",
    "TelemetryLogger": "logger",
}

__all__ = [
    "Action",
    "ApprovalBackend",
    "ApprovalRequest",
    "Decision",
    "EventType",
    "HITLPolicy",
    "PolicyVerdict",
    "RiskClass",
    "RunMetadata",
    "TelemetryLogger",
    "ToolResult",
    "TraceEvent",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'models')}"), name)
