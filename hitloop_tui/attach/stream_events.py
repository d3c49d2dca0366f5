"""What LangGraph streams during a run, as events of the trace."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage

from hitloop_tui.attach.event_log import EventLog
from hitloop_tui.attach.events import Event
from hitloop_tui.attach.preview import cut, preview

_log = logging.getLogger(__name__)

SHORT = 400
"""Characters kept of a task's result: its update event has it in full length."""


def error_text(error: BaseException | str) -> str:
    """Type and text of an exception, bounded."""
    if isinstance(error, str):
        return cut(error)
    return cut(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


class RunEvents:
    """Writes the events of one run, and remembers which nodes raised."""

    def __init__(self, log: EventLog, thread_id: str, graph_id: str, attempt: int | None) -> None:
        self.failed: dict[str, str] = {}
        """Nodes that raised, by task id, the innermost first."""
        self.started: set[str] = set()
        """Task ids."""
        self._log = log
        self._preview = partial(preview, masks=log.masks)
        self._common: dict[str, Any] = {
            "thread_id": thread_id,
            "graph_id": graph_id,
            "attempt": attempt,
        }
        self._since: dict[str, float] = {}

    def add(self, kind: str, data: Mapping[str, Any], **where: Any) -> None:
        self._log.add(Event(kind=kind, data=dict(data), **{**self._common, **where}))

    def part(self, part: Mapping[str, Any]) -> None:
        """One v2 stream part. Never raises, for that would end the run."""
        try:
            self._part("|".join(part["ns"]), part)
        except Exception:
            _log.warning("a part of the stream is left out: %s", part.get("type"), exc_info=True)

    def _part(self, ns: str, part: Mapping[str, Any]) -> None:
        data = part["data"]
        match part["type"]:
            case "tasks" if "triggers" in data:
                self._task_start(ns, data)
            case "tasks":
                self._task_end(ns, data)
            case "updates":
                self._updates(ns, data)
            case "custom":
                self.add("custom", {"value": self._preview(data)}, ns=ns, node=_node(ns))
            case "messages":
                self._message(ns, *data)

    def _task_start(self, ns: str, task: Mapping[str, Any]) -> None:
        self.started.add(task["id"])
        self._since[task["id"]] = time.monotonic()
        data = {"input": self._preview(task["input"], SHORT)}
        self.add("task_start", data, ns=ns, node=task["name"], task_id=task["id"])

    def _task_end(self, ns: str, task: Mapping[str, Any]) -> None:
        where = {"ns": ns, "node": task["name"], "task_id": task["id"]}
        for interrupt in task["interrupts"]:
            asked = {"interrupt_id": interrupt["id"], "value": self._preview(interrupt["value"])}
            self.add("interrupt", asked, **where)
        duration = {"duration_ms": self._duration(task["id"])}
        if task["error"] is not None:
            if not _cancelled(task["error"]):
                self.failed[task["id"]] = task["name"]
            self.add("task_error", {**duration, "error": error_text(task["error"])}, **where)
        elif not task["interrupts"]:
            self.add(
                "task_end", {**duration, "result": self._preview(task["result"], SHORT)}, **where
            )

    def _duration(self, task_id: str) -> float | None:
        started = self._since.pop(task_id, None)
        return None if started is None else round((time.monotonic() - started) * 1000, 1)

    def _updates(self, ns: str, update: Mapping[str, Any]) -> None:
        for node, value in update.items():
            if not node.startswith("__"):
                self.add("update", {"value": self._preview(value)}, ns=ns, node=node)

    def _message(self, ns: str, message: Any, metadata: Mapping[str, Any]) -> None:
        """Only what a model says: tool results and inputs come as updates."""
        if not isinstance(message, AIMessage) or not message.text:
            return
        event = Event(
            kind="token",
            ns=ns,
            node=str(metadata.get("langgraph_node", "")),
            data={"message_id": message.id or "", "text": cut(message.text)},
            **self._common,
        )
        self._log.add_token(event)


def _cancelled(error: BaseException | str) -> bool:
    """Stopped because a sibling failed."""
    return isinstance(error, asyncio.CancelledError) or str(error) == "CancelledError()"


def _node(ns: str) -> str:
    """The node that a namespace belongs to: `outer:uuid|inner:uuid` is `inner`."""
    return ns.rpartition("|")[2].partition(":")[0]
