"""A Review: one pending interrupt as the console sees it, and the words around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from hitloop_tui.attach.question import ID_LENGTH as ID_LENGTH
from hitloop_tui.attach.question import Identity as Identity
from hitloop_tui.attach.question import Question as Question
from hitloop_tui.attach.question import TaskPlace as TaskPlace


class State(StrEnum):
    """Where a Review stands; DESIGN section 5 says how each is known."""

    PENDING = "pending"
    HELD = "held"
    DECIDED = "decided"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    STALE = "stale"
    EXPIRED = "expired"


OPEN_STATES = frozenset(State) - {State.APPLIED}
"""States that still need a person or a worker: what `ls` and the inbox show."""


class Kind(StrEnum):
    """What a person can say about one Action."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    IGNORE = "ignore"


APPROVALS = frozenset({Kind.APPROVE, Kind.EDIT})
"""What lets the tool run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person's word on one Action."""

    kind: Kind
    args: dict[str, Any] | None = None
    """The whole new argument object of an edit."""
    reason: str | None = None
    """Why, for a reject; optional otherwise."""
    value: Any = None
    """The answer of a respond: text or any JSON value."""

    def to_json(self) -> dict[str, Any]:
        given = {"args": self.args, "reason": self.reason, "value": self.value}
        return {"kind": self.kind.value, **{k: v for k, v in given.items() if v is not None}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        return cls(Kind(data["kind"]), data.get("args"), data.get("reason"), data.get("value"))


@dataclass(frozen=True, slots=True)
class ReviewAction:
    """One proposed tool call inside a Review; the same words as `core.models.Action`."""

    tool_name: str
    tool_args: dict[str, Any]
    risk_class: str | None = None
    """low, medium, high; None when nobody rated it."""
    side_effects: tuple[str, ...] = ()
    rationale: str = ""
    context_refs: tuple[str, ...] = ()
    allowed: tuple[Kind, ...] = ()
    args_schema: dict[str, Any] | None = None
    """JSON Schema of the arguments, where the payload carries one."""
    answer_schema: dict[str, Any] | None = None
    """JSON Schema of what a respond must be, where one is known."""
    description: str = ""
    """Free text the payload shows beside the call. The agent's words."""

    def to_json(self) -> dict[str, Any]:
        return {
            "tool_name": self.tool_name,
            "tool_args": self.tool_args,
            "risk_class": self.risk_class,
            "side_effects": list(self.side_effects),
            "rationale": self.rationale,
            "context_refs": list(self.context_refs),
            "allowed": [kind.value for kind in self.allowed],
            "description": self.description,
        }


class OnDeadline(StrEnum):
    """What the policy wants when nobody has answered in time."""

    REJECT = "reject"
    ESCALATE = "escalate"
    LEAVE = "leave"


class Act(StrEnum):
    """What a person can do about a Review besides a verdict."""

    UNDO = "undo"
    RETRY = "retry"
    CLEAR = "clear"
    DONE = "done"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody is looking at it."""

    by: str
    until: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a shape made of a question's value."""

    shape: str
    actions: tuple[ReviewAction, ...]
    policy_name: str = ""
    policy_reason: str = ""
    warnings: tuple[str, ...] = ()
    quorum: int = 1
    """How many different people must approve."""
    approvals: tuple[str, ...] = ()
    """Who has approved already, as the asking code knows it."""
    deadline: datetime | None = None
    on_deadline: OnDeadline = OnDeadline.LEAVE
    signed: bool = False
    """Whether the asking code takes only answers that are signed."""


@dataclass(frozen=True, slots=True)
class Review:
    """One question, read, with its state."""

    question: Question
    reading: Reading
    state: State = State.PENDING
    detail: str = ""
    """One sentence on the state: an error, a refusal, who holds it."""
    decided_by: str | None = None
    decided_at: str | None = None
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    """Verdicts recorded so far, by the Action's index from 0."""
    approved_by: tuple[str, ...] = ()
    """Who has approved so far, where several must."""
    held_until: str | None = None
    claim: Claim | None = None
    acts: tuple[Act, ...] = ()
    """What can be done besides a verdict."""

    @property
    def id(self) -> str:
        return self.question.identity.id

    @property
    def key(self) -> str:
        return self.question.identity.key

    @property
    def thread_id(self) -> str:
        return self.question.identity.thread_id

    @property
    def actions(self) -> tuple[ReviewAction, ...]:
        return self.reading.actions

    @property
    def risk(self) -> str | None:
        """The highest risk among the Actions; None when none is rated."""
        rated = [a.risk_class for a in self.actions if a.risk_class in RISK_ORDER]
        return max(rated, key=RISK_ORDER.__getitem__, default=None)

    @property
    def undecided(self) -> bool:
        """Whether a person may still give a verdict."""
        late = self.state is State.EXPIRED and self.reading.on_deadline is not OnDeadline.REJECT
        return late or self.state is State.PENDING

    @property
    def allowed(self) -> tuple[Kind, ...]:
        """Verdicts that every Action of the Review allows."""
        if not self.undecided:
            return ()
        return tuple(k for k in Kind if all(k in a.allowed for a in self.actions))

    def to_json(self) -> dict[str, Any]:
        """The stable keys of `ls --json` and `show --json`."""
        question, identity = self.question, self.question.identity
        return {
            "id": self.id,
            "key": self.key,
            "thread_id": identity.thread_id,
            "checkpoint_ns": identity.checkpoint_ns,
            "checkpoint_id": identity.checkpoint_id,
            "task_id": identity.task_id,
            "interrupt_id": identity.interrupt_id,
            "answers": identity.answers,
            "graph_id": question.graph_id,
            "node": question.node,
            "state": self.state.value,
            "detail": self.detail,
            "shape": self.reading.shape,
            "risk_class": self.risk,
            "actions": [action.to_json() for action in self.actions],
            "allowed": [kind.value for kind in self.allowed],
            "policy_name": self.reading.policy_name,
            "policy_reason": self.reading.policy_reason,
            "quorum": self.reading.quorum,
            "approved_by": list(self.approved_by),
            "deadline": _iso(self.reading.deadline),
            "on_deadline": self.reading.on_deadline.value,
            "signed": self.reading.signed,
            "held_until": self.held_until,
            "claimed_by": None if self.claim is None else self.claim.by,
            "acts": [act.value for act in self.acts],
            "requested_at": question.requested_at.astimezone(UTC).isoformat(),
            "decided_by": self.decided_by,
            "decided_at": self.decided_at,
            "verdicts": {str(n + 1): v.to_json() for n, v in self.verdicts.items()},
            "digest": question.digest,
            "warnings": list(self.reading.warnings),
        }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


RISK_ORDER = {"low": 0, "medium": 1, "high": 2}
