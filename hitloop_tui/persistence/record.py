"""One approval request as a store keeps it: everything a person was shown, and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hitloop_tui.core.digest import action_digest
from hitloop_tui.core.models import Action, ApprovalRequest, RiskClass


@dataclass
class PendingApprovalRecord:
    """A request that waits for a decision."""

    callback_id: str
    run_id: str
    thread_id: str
    action_id: str
    tool_name: str
    tool_args: dict[str, Any]
    risk_class: str
    policy_name: str
    policy_reason: str
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    expires_at: datetime | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    rationale: str = ""
    side_effects: list[str] = field(default_factory=list)
    context_refs: list[str] = field(default_factory=list)
    summary_context: str = ""
    quorum: int = 1
    approvals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.created_at = _aware(self.created_at)
        self.expires_at = _aware(self.expires_at) if self.expires_at else None

    @classmethod
    def from_request(
        cls,
        request: ApprovalRequest,
        callback_id: str,
        thread_id: str,
        created_at: datetime,
        expires_at: datetime | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> PendingApprovalRecord:
        action = request.action
        return cls(
            callback_id=callback_id,
            run_id=request.run_id,
            thread_id=thread_id,
            action_id=action.id,
            tool_name=action.tool_name,
            tool_args=action.tool_args,
            risk_class=action.risk_class.value,
            policy_name=request.policy_name,
            policy_reason=request.policy_reason,
            created_at=created_at,
            expires_at=expires_at,
            metadata=dict(metadata or {}),
            rationale=action.rationale,
            side_effects=list(action.side_effects),
            context_refs=list(action.context_refs),
            summary_context=request.summary_context,
            quorum=request.quorum,
            approvals=list(request.approvals),
        )

    def to_request(self) -> ApprovalRequest:
        """The request that was asked, for asking it again after a restart."""
        action = Action(
            id=self.action_id,
            tool_name=self.tool_name,
            tool_args=self.tool_args,
            risk_class=_risk(self.risk_class),
            side_effects=self.side_effects,
            rationale=self.rationale,
            context_refs=self.context_refs,
        )
        return ApprovalRequest(
            run_id=self.run_id,
            action=action,
            summary_context=self.summary_context,
            policy_name=self.policy_name,
            policy_reason=self.policy_reason,
            quorum=self.quorum,
            approvals=self.approvals,
        )

    @property
    def cursor(self) -> tuple[datetime, str]:
        """Its place in `list_pending`."""
        return self.created_at, self.callback_id

    def digest(self) -> str:
        """What an approval of this request is bound to."""
        return action_digest(self.tool_name, self.tool_args)

    def is_expired(self, now: datetime | None = None) -> bool:
        return self.expires_at is not None and (now or datetime.now(UTC)) >= self.expires_at

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `from_dict`, times as ISO 8601."""
        expires = self.expires_at.isoformat() if self.expires_at else None
        return vars(self) | {"created_at": self.created_at.isoformat(), "expires_at": expires}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PendingApprovalRecord:
        expires = data.get("expires_at")
        times = {
            "created_at": datetime.fromisoformat(data["created_at"]),
            "expires_at": datetime.fromisoformat(expires) if expires else None,
        }
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**{**known, **times})


def question_key(record: PendingApprovalRecord) -> str:
    """Which Action of which run of which thread is asked about, after who approved it, whatever the
    callback id. Whether it is the same call as before, its digest says."""
    parts = [record.thread_id, record.run_id, record.action_id, *sorted(record.approvals)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _risk(name: str) -> RiskClass:
    """A class this version does not know counts as the highest."""
    try:
        return RiskClass(name)
    except ValueError:
        return RiskClass.HIGH


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
