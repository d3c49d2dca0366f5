"""Where approval requests wait, so that a restart loses none.

Names are resolved on first use: the console reads the tables without the stores' models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hitloop_tui.persistence.base import ApprovalStore
    from hitloop_tui.persistence.memory import InMemoryApprovalStore
    from hitloop_tui.persistence.postgres import PostgresApprovalStore
    from hitloop_tui.persistence.record import PendingApprovalRecord
    from hitloop_tui.persistence.redis import RedisApprovalStore
    from hitloop_tui.persistence.resolution import Outcome, Resolution, StoredDecision
    from hitloop_tui.persistence.sqlite import SQLiteApprovalStore

__all__ = [
    "ApprovalStore",
    "InMemoryApprovalStore",
    "Outcome",
    "PendingApprovalRecord",
    "PostgresApprovalStore",
    "RedisApprovalStore",
    "Resolution",
    "SQLiteApprovalStore",
    "StoredDecision",
]

_HOMES = {
    "ApprovalStore": "base",
    "InMemoryApprovalStore": "memory",
    "Outcome": "resolution",
    "PendingApprovalRecord": "record",
    "PostgresApprovalStore": "postgres",
    "RedisApprovalStore": "redis",
    "Resolution": "resolution",
    "SQLiteApprovalStore": "sqlite",
    "StoredDecision": "resolution",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
