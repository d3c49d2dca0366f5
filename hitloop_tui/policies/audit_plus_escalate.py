"""Ask about a sample of all Actions, and about every one that looks unusual."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any

from hitloop_tui.core.interfaces import HITLPolicy
from hitloop_tui.core.models import Action, Decision, RiskClass
from hitloop_tui.policies.arguments import several

HISTORY = "_audit_log"
SIGNALS = "anomaly_signals"
REJECTIONS_ALARMING = 3
FAILURES_ALARMING = 2


class AuditPlusEscalatePolicy(HITLPolicy):
    """Escalates by risk class, anomaly signals and monotony, and audits a sample of the rest.

    The sample is drawn by `seed` and the Action's id alone: the same Action is in it or not, in
    every process and however often it is asked about. Who can choose the ids and knows the seed can
    stay out of the sample.

    Signals are read from the state's `anomaly_signals` and the Action's `context_refs`. Monotony,
    `consecutive_action_threshold` different Actions with one tool in a row (0 switches it off), is
    read from the state's `_audit_log`, which `post_decision_update` writes. The policy itself
    remembers nothing, so a graph whose state does not declare `_audit_log` (`langgraph.HITLState`
    does) has no monotony: LangGraph drops keys that no schema names.
    """

    def __init__(
        self,
        audit_sample_rate: float = 0.1,
        anomaly_signals: Iterable[str] | None = None,
        escalate_on_high_risk: bool = True,
        escalate_on_medium_risk: bool = False,
        consecutive_action_threshold: int = 5,
        seed: int | None = None,
    ) -> None:
        if not 0.0 <= audit_sample_rate <= 1.0:
            raise ValueError("audit_sample_rate must be between 0.0 and 1.0")
        if consecutive_action_threshold < 0:
            raise ValueError("consecutive_action_threshold must not be negative")
        self.audit_sample_rate = audit_sample_rate
        self.anomaly_signals = frozenset(several(anomaly_signals))
        self.escalate_on_high_risk = escalate_on_high_risk
        self.escalate_on_medium_risk = escalate_on_medium_risk
        self.consecutive_action_threshold = consecutive_action_threshold
        self.seed = seed

    @property
    def name(self) -> str:
        return "audit_plus_escalate"

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        reason = next(self._reasons(action, state), None)
        if reason is not None:
            return True, reason
        return False, "No rule escalates the action, and it is not in the audit sample."

    def sampled(self, action_id: str) -> bool:
        """Whether this Action is in the audit sample."""
        text = f"{'' if self.seed is None else self.seed}:{action_id}"
        drawn = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:6]
        return int.from_bytes(drawn) < self.audit_sample_rate * 2**48

    def reset(self) -> None:
        """Nothing to do: there is no history here. Code for hitloop 0.5 calls it between runs."""

    def _reasons(self, action: Action, state: dict[str, Any]) -> Iterator[str]:
        match action.risk_class:
            case RiskClass.HIGH if self.escalate_on_high_risk:
                yield "Escalation: HIGH risk action."
            case RiskClass.MEDIUM if self.escalate_on_medium_risk:
                yield "Escalation: MEDIUM risk action."
        if found := self._known(state.get(SIGNALS)):
            yield f"Escalation: Anomaly signals detected: {found}."
        if found := self._known(action.context_refs):
            yield f"Escalation: the action is flagged with {found}."
        in_a_row = self.consecutive_action_threshold
        if in_a_row and _run_length(action, state) >= in_a_row:
            yield f"Escalation: {in_a_row} consecutive calls of {action.tool_name}."
        if self.sampled(action.id):
            yield f"Audit: Random sample ({self.audit_sample_rate:.1%} rate)."

    def _known(self, given: Any) -> str:
        """Those of the given signals that this policy watches for."""
        signals = several(given) if isinstance(given, str | list | tuple | set | frozenset) else ()
        return ", ".join(sorted(self.anomaly_signals & {s for s in signals if isinstance(s, str)}))

    def post_decision_update(
        self, state: dict[str, Any], action: Action, decision: Decision
    ) -> dict[str, Any]:
        """The decision in `_audit_log`, once per Action; the third rejected Action raises the
        signal `repeated_rejections`."""
        entry = {
            "action_id": action.id,
            "tool_name": action.tool_name,
            "approved": decision.approved,
            "reason": decision.reason,
            "tags": list(decision.tags),
        }
        log = list(state.get(HISTORY) or ())
        place = next((n for n, one in enumerate(log) if one["action_id"] == action.id), len(log))
        earlier, log[place : place + 1] = log[place : place + 1], [entry]
        state = {**state, HISTORY: log}
        if decision.approved or any(not one["approved"] for one in earlier):
            return state
        return _counted(state, "_rejection_count", REJECTIONS_ALARMING, "repeated_rejections")

    def post_execution_update(
        self, state: dict[str, Any], action: Action, result: Any
    ) -> dict[str, Any]:
        """The second failed tool raises `repeated_failures`."""
        success = result.get("success", True) if isinstance(result, dict) else result.success
        if success:
            return state
        return _counted(state, "_tool_failure_count", FAILURES_ALARMING, "repeated_failures")


def _run_length(action: Action, state: dict[str, Any]) -> int:
    """Different Actions with this tool in a row, up to and with this one."""
    log = state.get(HISTORY) or ()
    before = list(takewhile(lambda entry: entry["action_id"] != action.id, log))
    row = takewhile(lambda entry: entry["tool_name"] == action.tool_name, reversed(before))
    return 1 + len({entry["action_id"] for entry in row})


def _counted(state: dict[str, Any], counter: str, alarming: int, signal: str) -> dict[str, Any]:
    count = (state.get(counter) or 0) + 1
    signals = several(state.get(SIGNALS))
    if count >= alarming and signal not in signals:
        return {**state, counter: count, SIGNALS: [*signals, signal]}
    return {**state, counter: count}
