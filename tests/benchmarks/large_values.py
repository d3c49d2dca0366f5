"""Arguments as large as an agent can make them, in rows that LangGraph's savers wrote."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import START, StateGraph

from hitloop_tui.langgraph import create_interrupt_gate_node
from hitloop_tui.policies import RiskBasedPolicy

SIZE = 10_000_000
"""Bytes of a large text, in UTF-8."""
LINES, ITEMS, KEYS = 500_000, 500_000, 200_000
LEVELS, EACH = 50, 1_000
"""LangGraph's saver cannot write 250 levels around the gate's question."""
INBOX = 20

_CJK = "本合同自双方签字之日起生效。有效期为一年。付款应在收到发票后三十天内完成。逾期按日计息。\n"
_ARABIC = "تم دفع الفاتورة اليوم، وسيصل الإيصال إلى بريدكم غدًا إن شاء الله، مع خالص التحية.\n"
_PROSE = "The parcel arrived open, so the customer asks for 48.50 EUR back, as the photo shows. "


class State(TypedDict, total=False):
    proposed_action: dict[str, Any]
    approval_decision: dict[str, Any]
    hitl_status: Any


def values() -> dict[str, Any]:
    """One large argument each, by name."""
    chance = random.Random(5)
    return {
        "one-line": _filled(_PROSE),
        "lines": "\n".join(f"line {n:06d} of a log" for n in range(LINES)),
        "items": [chance.randrange(1000) for _ in range(ITEMS)],
        "texts": [f"item {n}" for n in range(ITEMS)],
        "keys": {f"key_{n:06d}": n for n in range(KEYS)},
        "base64": base64.b64encode(chance.randbytes(SIZE * 3 // 4)).decode(),
        "cjk": _filled(_CJK),
        "arabic": _filled(_ARABIC),
        "hidden": _filled("\u200b\u202e\x1b\u2066"),
        "nested": _nested(LEVELS),
    }


def _filled(text: str) -> str:
    return text * (SIZE // len(text.encode()))


def _nested(levels: int) -> Any:
    value: Any = "the innermost"
    for _ in range(levels):
        value = [*range(EACH), value]
    return value


def write(db: Path, threads: Mapping[str, Any]) -> None:
    """One thread for each value, up to the question that our gate asks about it."""
    asyncio.run(_write(db, threads))


async def _write(db: Path, threads: Mapping[str, Any]) -> None:
    async with AsyncSqliteSaver.from_conn_string(str(db)) as saver:
        graph = _builder().compile(checkpointer=saver)
        for thread, value in threads.items():
            place = {"configurable": {"thread_id": thread}, "metadata": {"graph_id": "bench"}}
            await graph.ainvoke({"proposed_action": _action(thread, value)}, place)


def _action(thread: str, value: Any) -> dict[str, Any]:
    return {
        "tool_name": "send_report",
        "tool_args": {"to": f"{thread}@example.org", "report": value},
        "risk_class": "medium",
        "side_effects": ["sends a mail"],
        "rationale": "it is due",
    }


def _builder() -> StateGraph[State, Any, Any, Any]:
    builder = StateGraph(State)
    policy = RiskBasedPolicy(require_approval_for_medium=True)
    builder.add_node("gate", create_interrupt_gate_node(policy))
    builder.add_edge(START, "gate")
    return builder
