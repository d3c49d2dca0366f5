"""Threads of a tiny real graph that stop with a question."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from hitloop_tui.core.digest import action_digest


class Asking(TypedDict, total=False):
    value: Any
    answer: Any


def ask(db: Path, questions: Mapping[str, Any]) -> None:
    """Run one thread for each question, up to its interrupt."""
    connection = sqlite3.connect(db, check_same_thread=False)
    try:
        graph = _builder().compile(checkpointer=SqliteSaver(connection))
        for thread, value in questions.items():
            graph.invoke({"value": value}, {"configurable": {"thread_id": thread}})
    finally:
        connection.close()


def _builder() -> StateGraph[Asking, Any, Any, Any]:
    def node(state: Asking) -> Asking:
        return {"answer": interrupt(state["value"])}

    builder = StateGraph(Asking)
    builder.add_node("ask", node)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", END)
    return builder


def gate(tool: str, args: dict[str, Any], risk: str, **config: bool) -> list[dict[str, Any]]:
    """What our own gate asks."""
    action = {"tool_name": tool, "tool_args": args, "risk_class": risk, "rationale": "it is due"}
    return [
        {
            "action_request": {"action": tool, "args": args},
            "config": config,
            "hitloop": {
                "version": 1,
                "action": action,
                "digest": action_digest(tool, args),
                "policy": "risk",
                "policy_reason": risk,
            },
        }
    ]


def batch(*allowed: list[str]) -> dict[str, Any]:
    """What LangChain's middleware asks: one tool call for each list of allowed decisions."""
    return {
        "action_requests": [
            {"name": f"tool_{n}", "args": {"n": n}, "description": ""} for n in range(len(allowed))
        ],
        "review_configs": [
            {"action_name": f"tool_{n}", "allowed_decisions": kinds}
            for n, kinds in enumerate(allowed)
        ],
    }


HOSTILE = "\x1b]52;c;ZXZpbA==\x07[@click=app.quit]x[/] \u202egpj.exe [/etc/x] \x9b2J"

ALL: dict[str, Any] = {
    "t-batch": batch(["approve", "edit", "reject"], ["approve", "reject"]),
    "t-words": "Which colour?",
    "t-fixed": gate("wipe_disk", {"disk": "sda"}, "high", allow_edit=False, allow_ignore=False),
    "t-evil": gate(HOSTILE, {HOSTILE: HOSTILE}, "medium"),
    "t-refund": gate("refund", {"order": 8841, "amount": 12.5}, "medium"),
    "t-mail": gate("send_email", {"to": "ops@example.org", "copies": 2}, "low"),
}
"""Asked in this order: the last one is the newest."""
