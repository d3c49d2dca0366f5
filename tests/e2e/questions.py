"""Questions of several kinds, asked by a real graph; one of them is hostile to terminals."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from hitloop_tui.core.models import Action, RiskClass
from hitloop_tui.langgraph.asking import Asked
from hitloop_tui.langgraph.question import question

REFUND = Action(
    id="1",
    tool_name="refund",
    tool_args={"order": "A-7", "amount": 12.5, "notify": True},
    risk_class=RiskClass.HIGH,
    side_effects=["pays 12.50"],
    rationale="broken",
)
HOSTILE = "\x1b[2J\x9b31m\u202eevil\u200b\x07\r\n\x7f\\x1b[bold]"
BATCH = {
    "action_requests": [
        {"name": "send_mail", "args": {"to": "ann@x.org", "n": 2}, "description": "one"},
        {"name": "delete_file", "args": {"path": "/tmp/x"}, "description": "two"},
        {"name": "delete_file", "args": {"path": "/tmp/y"}, "description": "three"},
    ],
    "review_configs": [{"allowed_decisions": ["approve", "edit", "reject"]}] * 3,
}
SCARY = {
    "action_requests": [{"name": HOSTILE, "args": {HOSTILE: HOSTILE, "l": [{"k": HOSTILE}]}}],
    "review_configs": [{"allowed_decisions": ["approve", "reject"]}],
}
QUESTIONS: dict[str, Any] = {
    "refund-1": question(Asked(REFUND, "HIGH needs a person"), "risk", {}),
    "batch-1": BATCH,
    "free-1": "really?",
    f"thread{HOSTILE}": SCARY,
    "json-1": {"say": 'a "b" \\ c', "deep": {"list": [1, {"x": "two words"}]}},
}


class Asking(TypedDict, total=False):
    value: Any
    messages: list[Any]
    answer: Any


def graph(saver: Any) -> Any:
    built = StateGraph(Asking)
    built.add_node("ask", lambda state: {"answer": interrupt(state["value"])})
    built.add_edge(START, "ask")
    return built.compile(checkpointer=saver)


def run(path: Path, thread: str, given: Any) -> None:
    connection = sqlite3.connect(path, check_same_thread=False)
    config = {"configurable": {"thread_id": thread}, "metadata": {"graph_id": "desk"}}
    graph(SqliteSaver(connection)).invoke(given, config)
    connection.close()
