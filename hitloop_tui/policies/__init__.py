"""Policies: which Actions a person must see. One file each; none of them keeps state."""

from hitloop_tui.policies.always_approve import AlwaysApprovePolicy
from hitloop_tui.policies.risk_based import RiskBasedPolicy

__all__ = ["AlwaysApprovePolicy", "RiskBasedPolicy"]
