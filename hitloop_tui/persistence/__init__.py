"""Where approval requests wait, so that a restart loses none."""

from __future__ import annotations

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
