"""What a policy and an approval backend must be able to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from hitloop_tui.core.models import Action, ApprovalRequest, Decision, ToolResult


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
    `should_request_approval` must give the same answer and change nothing.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The name shown to the person and written to the log."""

    @abstractmethod
    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        """Whether a person must be asked, and why or why not."""

    def post_decision_update(
        self, state: dict[str, Any], action: Action, decision: Decision
    ) -> dict[str, Any]:
        """The state after a decision; unchanged unless a policy overrides this."""
        return state

    def post_execution_update(
        self, state: dict[str, Any], action: Action, result: ToolResult
    ) -> dict[str, Any]:
        """The state after the tool ran; unchanged unless a policy overrides this."""
        return state
