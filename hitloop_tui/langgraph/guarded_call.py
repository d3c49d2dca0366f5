"""One call of a guarded tool: what is known of it from earlier executions, and its telemetry."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

from langgraph.errors import GraphInterrupt

from hitloop_tui.core.models import Action, ToolResult
from hitloop_tui.langgraph.asked import Asked
from hitloop_tui.langgraph.dialogue import Dialogue, skip_answers
from hitloop_tui.langgraph.execution import Place
from hitloop_tui.langgraph.memory import akeep, keep, recall
from hitloop_tui.langgraph.spending import Spender
from hitloop_tui.langgraph.telemetry import GateLogger

Args = dict[str, Any]
Kept = Literal["approval", "refusal", "output"]


@dataclass(frozen=True)
class GuardedCall:
    """The call, and the place it happens at."""

    action: Action
    """As it was proposed."""
    reason: str
    given: Args
    """The arguments as they are, by name; the Action has them as they are shown."""
    bound: inspect.BoundArguments
    place: Place

    @property
    def values(self) -> dict[str, Any]:
        """What stands in for the state of a gate."""
        return {"run_id": self.place.thread_id or None}

    @cached_property
    def dialogue(self) -> Dialogue:
        return Dialogue(self.place)

    @cached_property
    def spender(self) -> Spender:
        return Spender(self.place, self.place.task_id, self.place.order, f"{self.action.id}/call")

    def asked_at(self, asked: Asked) -> datetime | None:
        """When this question was first asked; None if it was not yet."""
        held = self.dialogue.open
        if held is None or not self.dialogue.is_open(asked):
            return None
        return datetime.fromisoformat(held["asked_at"])

    def known(self, what: Kept) -> dict[str, Any] | None:
        """What an earlier execution kept. Whoever cleared the answers since wants to decide anew,
        but a call that was made stays made."""
        found: dict[str, Any] | None = recall(self.place, self._name(what))
        if found is None:
            return None
        answers = found["answers"]
        if what != "output" and answers != self.place.answers[: len(answers)]:
            return None
        skip_answers(found["drawn"])
        return found

    def keep(self, what: Kept, value: Any) -> None:
        if not inspect.isawaitable(value):  # what it will give is not known yet
            keep(self.place, self._name(what), self._kept(value))

    async def akeep(self, what: Kept, value: Any) -> None:
        await akeep(self.place, self._name(what), self._kept(value))

    def _name(self, what: Kept) -> str:
        return f"{self.action.id}/{what}"

    def _kept(self, value: Any) -> dict[str, Any]:
        answers = list(self.place.answers)
        return {"value": value, "answers": answers, "drawn": self.dialogue.drawn}


class Timed:
    """The tool's run in the telemetry."""

    def __init__(self, logger: GateLogger | None, run_id: str, action: Action) -> None:
        self.logger, self.run_id, self.action = logger, run_id, action
        self.started_at = datetime.now(UTC)

    def __enter__(self) -> Timed:
        if self.logger:
            self.logger.log_tool_execution_start(self.run_id, self.action)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self.logger is None or isinstance(error, GraphInterrupt):
            return
        result = ToolResult(
            action_id=self.action.id,
            success=error is None,
            error=None if error is None else str(error),
            error_class=None if error is None else type(error).__name__,
            started_at=self.started_at,
            finished_at=datetime.now(UTC),
        )
        self.logger.log_tool_execution_end(self.run_id, result)
