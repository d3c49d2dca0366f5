"""Asking in the console's inbox, also from code that knows no LangGraph."""

from __future__ import annotations

from pathlib import Path

from hitloop_tui.backends.asking import Asked, OnTimeout, StoredBackend
from hitloop_tui.backends.waiting import Waiter
from hitloop_tui.core.models import ApprovalRequest, Decision
from hitloop_tui.paths import approvals_path
from hitloop_tui.persistence import SQLiteApprovalStore


class ConsoleBackend(StoredBackend):
    """Writes each request beside `db`, where `hitloop-tui db` lists it like any other Review.

    `db` is the checkpoint database the console is opened on; it need not exist. A request waits
    however long it takes, over restarts of the agent and of the console, unless there is a
    timeout.
    """

    def __init__(
        self,
        db: str | Path,
        timeout_seconds: float = 0.0,
        on_timeout: OnTimeout | None = None,
        *,
        allow_edit: bool = False,
        allow_respond: bool = False,
    ) -> None:
        """Let people edit or respond only if the asking code reads `Decision.edited_args` and
        `Decision.response`, as the gates of `hitloop_tui.langgraph` do."""
        super().__init__(SQLiteApprovalStore(approvals_path(Path(db))), timeout_seconds, on_timeout)
        optional = {"edit": allow_edit, "respond": allow_respond}
        self._metadata = {"allowed": [verdict for verdict, given in optional.items() if given]}

    async def request_approval(
        self, request: ApprovalRequest, thread_id: str | None = None
    ) -> Decision:
        """Ask and wait. Without a thread the run is shown as one."""
        return await super().request_approval(
            request, thread_id or request.thread_id or request.run_id
        )

    async def _send(self, asked: Asked, waiter: Waiter) -> Decision | None:
        return None  # it is in the inbox as soon as it is stored
