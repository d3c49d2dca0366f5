"""Spending an approval: of all tasks that find it, in any process and on any branch, one may call.

Whoever is first writes its name next to the checkpoint of the gate, and takes it back when it knows
that its call failed: then the next may write its own. A name that nobody took back stands for ever:
that call was made, or is being made, or nobody knows. Only a person's order, which the console's
worker passes on, lets the same task make it again, once for each order.
"""

from __future__ import annotations

import logging
import secrets
from typing import Literal

from hitloop_tui.langgraph.execution import Place
from hitloop_tui.langgraph.memory import Rows, aread, awrite, read, write

Spent = Literal["by us", "by this task", "by another"]
"""`by this task` means in an earlier run of it, which is running still, or has died."""

FIRST = "call"
NOBODY_KNOWS = "This call was begun before, and nobody knows how it ended."

log = logging.getLogger(__name__)


class Spender:
    """One execution of a tool node or of a guarded tool, about to make one call."""

    def __init__(self, gate: Place, task_id: str, order: str = "", call: str = FIRST) -> None:
        """`call` names the call where an approval was given for more than one."""
        self.gate = gate
        """Where the approval was given."""
        self.task_id = task_id
        self.call = call
        self.reordered = f"{call} again by {order}" if order else None
        """The claim that a person's order gives to a task whose earlier call nobody knows about."""
        self.name = f"{task_id}/{secrets.token_hex(8)}"

    def spend(self) -> Spent:
        """`by us` as well where nobody can know: without a checkpointer that could be waited for
        here, or before the gate's checkpoint is stored."""
        if self.gate.checkpointer is None or self.gate.blocks_checkpointer():
            return "by us"
        claim, spent = self.call, None
        while spent is None:
            write(self.gate, claim, self.name)
            claim, spent = self._look(claim, read(self.gate))
        return spent

    async def aspend(self) -> Spent:
        """`spend` for an async graph."""
        if self.gate.checkpointer is None:
            return "by us"
        claim, spent = self.call, None
        while spent is None:
            await awrite(self.gate, claim, self.name)
            claim, spent = self._look(claim, await aread(self.gate))
        return spent

    def take_back(self) -> None:
        """The call failed, so the approval may pay for another one."""
        if self.gate.checkpointer is None or self.gate.blocks_checkpointer():
            return
        try:
            write(self.gate, _failed(self.name), True)
        except Exception:
            log.exception("the approval of a failed call stays spent")

    async def atake_back(self) -> None:
        """`take_back` for an async graph."""
        if self.gate.checkpointer is None:
            return
        try:
            await awrite(self.gate, _failed(self.name), True)
        except Exception:
            log.exception("the approval of a failed call stays spent")

    def _look(self, claim: str, rows: Rows) -> tuple[str, Spent | None]:
        """Who holds the claim; if that failed, the next claim instead."""
        holder = rows.get(claim)
        if holder in (None, self.name):
            return claim, "by us"
        if rows.get(_failed(holder)):
            return f"{self.call} after {holder}", None
        if not holder.startswith(self.task_id):
            return claim, "by another"
        if self.reordered not in (None, claim):
            return self.reordered, None
        return claim, "by this task"


def _failed(name: str) -> str:
    return f"failed: {name}"
