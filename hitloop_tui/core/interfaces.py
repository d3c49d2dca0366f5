"""What a policy and an approval backend must be able to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

from hitloop_tui.core.models import Action, ApprovalRequest, Decision

Outcome = Literal["auto_approve", "ask", "reject"]


class ApprovalError(Exception):
    """A question could not be asked or answered; nobody said no.

    ApprovalError
    ├── ApprovalTimeoutError    nobody answered in time
    └── ApprovalCancelledError  the question was withdrawn
    """


class ApprovalTimeoutError(ApprovalError):
    """Nobody answered in time."""


class ApprovalCancelledError(ApprovalError):
    """The question was withdrawn."""


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """What a policy says about one Action."""

    outcome: Outcome
    reason: str
    people: int = 1
    """For `ask`: how many different people must approve."""


class ApprovalBackend(ABC):
    """Asks a person about an Action, over some channel."""

    @abstractmethod
    async def request_approval(self, request: ApprovalRequest) -> Decision:
        """Ask, wait, and return what was decided."""

    async def close(self) -> None:  # noqa: B027 - an optional hook, not a missing abstract
        """Release what the backend holds."""


class HITLPolicy(ABC):
    """Decides which Actions a person must see.

    LangGraph runs a node again on resume, so the same Action is asked about more than once:
    `should_request_approval` and `verdict` must give the same answer and change nothing. What a
    policy wants to remember goes into the graph's state, through the hooks below.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The name shown to the person and written to the log."""

    @abstractmethod
    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        """Whether a person must be asked, and why or why not."""

    def verdict(self, action: Action, state: dict[str, Any]) -> PolicyVerdict:
        """For policies that say more than ask or not: override it to reject, or to ask several."""
        needed, reason = self.should_request_approval(action, state)
        return PolicyVerdict("ask" if needed else "auto_approve", reason)

    def post_decision_update(
        self, state: dict[str, Any], action: Action, decision: Decision
    ) -> dict[str, Any]:
        """A new state after a decision; `state` itself must not be changed."""
        return state

    def post_execution_update(
        self, state: dict[str, Any], action: Action, result: Any
    ) -> dict[str, Any]:
        """A new state after the tool ran; `result` is a ToolResult or the dict a tool node writes.

        The nodes here do not call it: a graph that wants it calls it in a node of its own.
        """
        return state


def policy_verdict(policy: Any, action: Action, state: dict[str, Any]) -> PolicyVerdict:
    """The verdict of anything that has at least `should_request_approval`."""
    if hasattr(policy, "verdict"):
        verdict: PolicyVerdict = policy.verdict(action, state)
        return verdict
    needed, reason = policy.should_request_approval(action, state)
    return PolicyVerdict("ask" if needed else "auto_approve", reason)
