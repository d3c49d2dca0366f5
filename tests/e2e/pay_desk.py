"""Threads of the paying agent, asked and applied by real processes' rules."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import StateGraph

from hitloop_tui.attach.session import Session
from tests.e2e import cli_graphs
from tests.e2e.command_line import Result, hitloop, listed


@dataclass
class PayDesk:
    folder: Path

    @property
    def db(self) -> Path:
        return self.folder / "agents.db"

    def run(self, graph: StateGraph[Any], thread: str, given: Any) -> None:
        """Run a thread as its application would, until it stops."""
        connection = sqlite3.connect(self.db, check_same_thread=False)
        config = {"configurable": {"thread_id": thread}, "metadata": {"graph_id": "pay"}}
        try:
            graph.compile(SqliteSaver(connection)).invoke(given, config)
        finally:
            connection.close()

    def ask(self, thread: str = "t", graph: StateGraph[Any] | None = None, amount: int = 1) -> str:
        """The id of a new question."""
        self.run(graph or cli_graphs.one, thread, {"amount": amount})
        return str(self.shown(thread)["id"])

    def shown(self, thread: str = "t", *options: Any) -> dict[str, Any]:
        return listed(self.db, *options)[thread]

    def state(self, thread: str = "t") -> str | None:
        """Of the thread's open Review, as the inbox has it; None without one."""
        with closing(Session.open(self.db)) as session:
            found = [r.state.value for r in session.inbox.reviews() if r.thread_id == thread]
        return found[0] if found else None

    def apply(self, graph: str = "one", **env: str) -> Result:
        """A worker that applies what is recorded, and ends."""
        named = f"pay={cli_graphs.HERE}:{graph}"
        return hitloop("worker", self.db, "--graph", named, "--once", **env)

    def be(self, what: str, on: bool = True) -> None:
        file = self.folder / what
        file.touch() if on else file.unlink()

    @property
    def paid(self) -> list[int]:
        return cli_graphs.paid(self.folder)
