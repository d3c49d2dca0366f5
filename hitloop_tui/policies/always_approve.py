"""The baseline without oversight: nobody is ever asked."""

from __future__ import annotations

from typing import Any

from hitloop_tui.core.interfaces import HITLPolicy
from hitloop_tui.core.models import Action


class AlwaysApprovePolicy(HITLPolicy):
    """Lets every Action run. For baselines and tests, not for tools that can do harm."""

    @property
    def name(self) -> str:
        return "always_approve"

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        return False, "All actions are auto-approved: this policy asks nobody."
