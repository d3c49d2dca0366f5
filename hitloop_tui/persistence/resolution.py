"""What became of an attempt to decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hitloop_tui.core.models import Decision
from hitloop_tui.persistence.codec import decode, encode, unescaped


class Outcome(StrEnum):
    """Where a request stands, or what came of deciding it."""

    PENDING = "pending"
    RECORDED = "recorded"
    REPEATED = "repeated"
    """The same delivery came again; the decision it made the first time stands."""
    ALREADY_DECIDED = "already_decided"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as the store keeps it."""

    decision: Decision
    decided_at: datetime
    delivery_id: str | None = None
    """The id of the message that brought it, so that the same message decides only once."""
    delivered_to: str | None = None
    """Who took it; nobody else acts on it then."""

    def to_text(self) -> str:
        return encode({"decision": self.decision.model_dump(), "decided_at": self.decided_at})

    @classmethod
    def from_text(
        cls, text: str, delivery_id: str | None, delivered_to: str | None
    ) -> StoredDecision:
        """From columns as the stores keep them, escaped."""
        data: dict[str, Any] = decode(text)
        decision = Decision.model_validate(data["decision"])
        return cls(
            decision,
            data["decided_at"],
            delivery_id and unescaped(delivery_id),
            delivered_to and unescaped(delivered_to),
        )


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome, and the decision that stands, whoever made it."""

    outcome: Outcome
    first: StoredDecision | None = None

    @property
    def accepted(self) -> bool:
        """This attempt made the decision, now or when it came the first time."""
        return self.outcome in (Outcome.RECORDED, Outcome.REPEATED)

    def told(self, delivery_id: str | None, approved: bool) -> Resolution:
        """What the sender of a message hears: the one that decided is told so again."""
        first = self.first
        if first is None or delivery_id is None:
            return self
        if (first.delivery_id, first.decision.approved) != (delivery_id, approved):
            return self
        return Resolution(Outcome.REPEATED, first)
