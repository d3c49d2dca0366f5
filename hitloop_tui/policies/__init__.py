"""Policies: which Actions a person must see. One file each; none of them keeps state."""

from hitloop_tui.policies.always_approve import AlwaysApprovePolicy
from hitloop_tui.policies.audit_plus_escalate import AuditPlusEscalatePolicy
from hitloop_tui.policies.risk_based import RiskBasedPolicy
from hitloop_tui.policies.rule_policy import RulePolicy

__all__ = ["AlwaysApprovePolicy", "AuditPlusEscalatePolicy", "RiskBasedPolicy", "RulePolicy"]
