"""The models of the control loop: what is proposed, what is asked, what was decided."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field, NonNegativeFloat

from hitloop_tui.core.digest import action_digest
from hitloop_tui.core.plain_json import json_text


class RiskClass(StrEnum):
    """How much harm a wrong action can do."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Action(BaseModel):
    """One proposed tool call."""

    id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    tool_name: str
    tool_args: dict[str, Any] = Field(default_factory=dict)
    risk_class: RiskClass = RiskClass.LOW
    side_effects: list[str] = Field(default_factory=list)
    rationale: str = ""
    """Why the agent proposes this, in its own words. Never trusted."""
    context_refs: list[str] = Field(default_factory=list)

    def digest(self) -> str:
        """SHA-256 over tool name and arguments, 64 hex digits: what an approval is bound to."""
        return action_digest(self.tool_name, self.tool_args)

    def args_hash(self) -> str:
        """The first 16 hex digits of `digest()`, for display only."""
        return self.digest()[:16]

    def summary(self, max_args_length: int = 100) -> str:
        """One line: `[RISK] tool(arguments as JSON)`; a cut says how much it hides."""
        text = json_text(self.tool_args, ascii_only=False)
        hidden = len(text) - max_args_length
        if hidden > 0:
            text = f"{text[:max_args_length]}… +{hidden} characters"
        return f"[{self.risk_class.value.upper()}] {self.tool_name}({text})"


class ApprovalRequest(BaseModel):
    """A question to a person about one Action."""

    run_id: str
    action: Action
    thread_id: str | None = None
    """The LangGraph thread that asks; None outside of a graph."""
    summary_context: str = ""
    policy_name: str = ""
    policy_reason: str = ""
    quorum: int = Field(default=1, ge=1)
    """How many different people must approve."""
    approvals: list[str] = Field(default_factory=list)
    """Who has approved already, when more than one must."""

    def format_for_display(self) -> str:
        """Several lines for a plain terminal. The text is raw: pass it through `safetext`."""
        action = self.action
        sections = {
            "Arguments": json_text(action.tool_args, indent=2, ascii_only=False),
            "Side effects": "\n".join(f"- {effect}" for effect in action.side_effects),
            "Rationale (the agent's words)": action.rationale,
            "Context": self.summary_context,
            f"Policy {self.policy_name}".rstrip(): self.policy_reason,
            f"Needs {self.quorum} people; approved so far by": self._approved_so_far(),
        }
        head = f"APPROVAL REQUEST  run {self.run_id}\n"
        head += f"Tool: {action.tool_name}\nRisk: {action.risk_class.value.upper()}"
        return "\n\n".join(
            [head, *(f"{title}:\n{text}" for title, text in sections.items() if text)]
        )

    def _approved_so_far(self) -> str:
        return "" if self.quorum == 1 else ", ".join(self.approvals) or "nobody"


class Decision(BaseModel):
    """What a person or a policy decided about one Action."""

    action_id: str
    approved: bool
    reason: str = ""
    tags: list[str] = Field(default_factory=list)
    decided_by: str = "unknown"
    """`human:NAME`, `policy:NAME` or `system:REASON`."""
    latency_ms: NonNegativeFloat = 0.0
    """Milliseconds between the question and the answer."""
    edited_args: dict[str, Any] | None = None
    """The arguments to run instead of the proposed ones; None when nothing was edited."""
    proposed: dict[str, Any] | None = None
    """`tool_name` and `tool_args` as the agent proposed them; None when nothing was edited."""
    response: str | None = None
    """The person's own answer, given instead of running the tool."""
    digest: str | None = None
    """`Action.digest()` of the call this decision is about, after edits."""
    approvals: list[str] = Field(default_factory=list)
    """Everyone who approved, when more than one had to."""
    spent: bool = False
    """The call was made; the same approval never makes it again."""
    decided_in: dict[str, str] | None = None
    """`checkpoint_ns`, `checkpoint_id` and `task_id` of the LangGraph task that decided: there the
    one call is noted that the approval pays for."""


class EventType(StrEnum):
    """What a trace event reports."""

    RUN_START = "run_start"
    RUN_END = "run_end"
    LLM_CALL = "llm_call"
    ACTION_PROPOSED = "action_proposed"
    APPROVAL_REQUESTED = "approval_requested"
    APPROVAL_DECIDED = "approval_decided"
    TOOL_EXECUTION_START = "tool_execution_start"
    TOOL_EXECUTION_END = "tool_execution_end"
    ERROR = "error"
    INJECTED_ERROR = "injected_error"


class TraceEvent(BaseModel):
    """One event in the trace of a run."""

    timestamp: datetime = Field(default_factory=lambda: datetime.now(UTC))
    run_id: str
    event_type: EventType
    payload: dict[str, Any] = Field(default_factory=dict)
    seq: int = Field(default=0, exclude=True)
    """The event's place in the log; 0 before it is logged."""

    def model_dump_json_safe(self) -> dict[str, Any]:
        """The event as a dict with its time and type as text; the payload is passed on as it is."""
        return {
            **self.model_dump(),
            "timestamp": self.timestamp.isoformat(),
            "event_type": self.event_type.value,
        }


class ToolResult(BaseModel):
    """What running a tool gave."""

    action_id: str
    success: bool
    result: Any = None
    error: str | None = None
    error_class: str | None = None
    retry_count: int = 0
    started_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None

    def execution_time_ms(self) -> float | None:
        """Milliseconds from start to finish; None while running."""
        if self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds() * 1000


class RunMetadata(BaseModel):
    """One run: what was run, under which condition, and how it ended."""

    run_id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    scenario_id: str = ""
    condition_id: str = ""
    agent_version: str = ""
    model: str = ""
    seed: int | None = None
    started_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    task_success: bool | None = None
    validation_details: dict[str, Any] = Field(default_factory=dict)

    def duration_ms(self) -> float | None:
        """Milliseconds from start to end; None while running."""
        if self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds() * 1000
