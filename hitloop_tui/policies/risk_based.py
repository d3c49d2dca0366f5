"""Ask a person when the tool, its risk class or one of its arguments calls for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from numbers import Real
from typing import Any

from hitloop_tui.core.interfaces import HITLPolicy
from hitloop_tui.core.models import Action, Decision, RiskClass
from hitloop_tui.policies.arguments import loosely, named, several, texts

AMOUNT_KEYS = ("amount", "value", "price", "cost", "total")
REJECTIONS = "_risk_policy_rejections"
SHOWN = 10**15
"""Amounts up to this are written out; a text of 12 characters can stand for a billion digits."""


class RiskBasedPolicy(HITLPolicy):
    """The first rule that applies names the reason; an Action that no rule meets runs unasked.

    `high_risk_tools` are asked about whatever their risk class. `sensitive_arg_patterns` maps an
    argument name to words that must not pass unseen in its value, in any case and width of letters.
    `max_amount_without_approval` limits the arguments named in `AMOUNT_KEYS`, whatever their sign;
    an amount that is no plain number ("1,000", true, [5]) is asked about too. Both find their
    arguments however deep they lie.
    """

    def __init__(
        self,
        require_approval_for_high: bool = True,
        require_approval_for_medium: bool = False,
        high_risk_tools: Iterable[str] | None = None,
        sensitive_arg_patterns: Mapping[str, Iterable[str]] | None = None,
        max_amount_without_approval: float | None = None,
    ) -> None:
        self.require_approval_for_high = require_approval_for_high
        self.require_approval_for_medium = require_approval_for_medium
        self.high_risk_tools = frozenset(several(high_risk_tools))
        patterns = sensitive_arg_patterns or {}
        self.sensitive_arg_patterns = {key: several(words) for key, words in patterns.items()}
        self.max_amount_without_approval = max_amount_without_approval

    @property
    def name(self) -> str:
        return "risk_based"

    def should_request_approval(self, action: Action, state: dict[str, Any]) -> tuple[bool, str]:
        reason = next(self._reasons(action), None)
        if reason is not None:
            return True, reason
        return False, f"{action.risk_class.value.capitalize()} risk, and no rule asks for approval."

    def post_decision_update(
        self, state: dict[str, Any], action: Action, decision: Decision
    ) -> dict[str, Any]:
        """Rejections are listed under `_risk_policy_rejections`, for analysis."""
        if decision.approved:
            return state
        rejection = {
            "action_id": action.id,
            "tool_name": action.tool_name,
            "risk_class": action.risk_class.value,
            "reason": decision.reason,
        }
        return {**state, REJECTIONS: [*(state.get(REJECTIONS) or ()), rejection]}

    def _reasons(self, action: Action) -> Iterator[str]:
        if action.tool_name in self.high_risk_tools:
            yield f"{action.tool_name} is on the high-risk tool list."
        match action.risk_class:
            case RiskClass.HIGH if self.require_approval_for_high:
                yield "HIGH risk actions need approval."
            case RiskClass.MEDIUM if self.require_approval_for_medium:
                yield "MEDIUM risk actions need approval."
        yield from self._sensitive_words(action.tool_args)
        yield from self._amounts(action.tool_args)

    def _sensitive_words(self, args: dict[str, Any]) -> Iterator[str]:
        for name, words in self.sensitive_arg_patterns.items():
            found = [loosely(text) for _, value in named(args, [name]) for text in texts(value)]
            for word in words:
                if any(loosely(word) in text for text in found):
                    yield f"The argument {name} contains the sensitive pattern “{word}”."

    def _amounts(self, args: dict[str, Any]) -> Iterator[str]:
        limit = self.max_amount_without_approval
        if limit is None:
            return
        for name, value in named(args, AMOUNT_KEYS):
            if value is None:
                continue
            amount = _number(value)
            if amount is None:
                yield f"The argument {name} is not a number, so the limit cannot be checked."
            elif not -limit <= amount <= limit:
                yield f"The {name} {_shown(amount)} exceeds threshold {limit:,.2f}."


def _number(value: Any) -> Any:
    """What can be compared without rounding; None for what has no size."""
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            return None
    if isinstance(value, Decimal):
        return None if value.is_nan() else value
    is_number = isinstance(value, Real) and not isinstance(value, bool) and value == value
    return value if is_number else None


def _shown(amount: Any) -> str:
    return f"{float(amount):,.2f}" if -SHOWN < amount < SHOWN else "of more than 15 digits"
