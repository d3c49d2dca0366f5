"""Known mistakes put into Actions, so that it can be measured who notices them.

Whether an Action was made wrong is written on the `InjectionResult` and nowhere else: the Action
itself differs from a right one in the mistaken argument (and in words that name it), never in risk
class, side effects or context.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hitloop_tui.core.models import Action
from hitloop_tui.eval import mutations
from hitloop_tui.eval.mutations import AMOUNT_KEYS, Mistake, Mutation, Source


class InjectionType(StrEnum):
    """Kinds of mistakes."""

    WRONG_RECIPIENT = "wrong_recipient"
    WRONG_RECORD_ID = "wrong_record_id"
    WRONG_AMOUNT = "wrong_amount"
    INVALID_TOOL = "invalid_tool"
    SENSITIVE_DATA = "sensitive_data"
    MALFORMED_ARGS = "malformed_args"


MISTAKES: dict[InjectionType, Mistake] = {
    InjectionType.WRONG_RECIPIENT: mutations.wrong_recipient,
    InjectionType.WRONG_RECORD_ID: mutations.wrong_record_id,
    InjectionType.WRONG_AMOUNT: mutations.wrong_amount,
    InjectionType.INVALID_TOOL: mutations.wrong_tool,
    InjectionType.SENSITIVE_DATA: mutations.private_data,
    InjectionType.MALFORMED_ARGS: mutations.malformed,
}


NUMBER_FORMS = ("{:,}", "{:.2f}", "{:,.2f}")
WHOLE_FORMS = ("{:.0f}", "{:,.0f}")
"""How an agent may write an amount in its words."""
LARGEST = 10**15


@dataclass
class InjectionConfig:
    """How often mistakes are made, and which; without `injection_types` those that suit."""

    injection_rate: float = 0.1
    injection_types: list[InjectionType] = field(default_factory=list)
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.injection_rate <= 1.0:
            raise ValueError("injection_rate must be between 0.0 and 1.0")


@dataclass
class InjectionResult:
    """What became of an Action, with the truth about it."""

    injected: bool
    original_action: Action
    modified_action: Action | None = None
    """The wrong Action, under the id of the right one; None if nothing was injected."""
    injection_type: InjectionType | None = None
    injection_details: dict[str, Any] = field(default_factory=dict)
    wrong_fields: tuple[str, ...] = ()
    """The arguments that are wrong."""


class ErrorInjector:
    """Makes mistakes at a rate.

    `decoys` are believable wrong values by argument name; `redraft` rewrites what the agent says
    about an Action (`Scenario.decoys`, `Scenario.redraft`).
    """

    WRONG_RECIPIENTS: Sequence[str] = ()
    """Taken instead of near misses of the right address, when a subclass names some."""
    WRONG_RECORD_IDS: Sequence[str] = ()
    INVALID_TOOLS: Sequence[str] = (
        "send_bulk_email",
        "forward_email",
        "bulk_update_records",
        "archive_record",
        "export_records",
    )

    def __init__(
        self,
        config: InjectionConfig | None = None,
        decoys: Mapping[str, Sequence[Any]] | None = None,
        redraft: Callable[[Action], Action] | None = None,
    ) -> None:
        self.config = config or InjectionConfig()
        self._rng = random.Random(self.config.seed)
        self._redraft = redraft or (lambda action: action)
        own = {
            **dict.fromkeys(mutations.RECIPIENT_KEYS, self.WRONG_RECIPIENTS),
            **dict.fromkeys(mutations.ID_KEYS, self.WRONG_RECORD_IDS),
        }
        named = {key: values for key, values in own.items() if values}
        self._decoys = {**(decoys or {}), **named}
        self._injection_count = 0
        self._total_count = 0

    def maybe_inject(self, action: Action) -> InjectionResult:
        """A mistake in a share of `injection_rate` of all calls."""
        if self._rng.random() < self.config.injection_rate:
            return self.inject(action)
        self._total_count += 1
        return InjectionResult(injected=False, original_action=action)

    def inject(self, action: Action) -> InjectionResult:
        """A mistake for sure, unless the Action has nothing that the wanted kinds could change."""
        self._total_count += 1
        for kind in self._kinds(action):
            mutation = MISTAKES[kind](action, self._source())
            if mutation is None:
                continue
            wrong = self._rewritten(action, mutation)
            if wrong.digest() == action.digest():
                continue
            self._injection_count += 1
            return InjectionResult(
                injected=True,
                original_action=action,
                modified_action=wrong,
                injection_type=kind,
                injection_details={"injection_type": kind.value, **mutation.details},
                wrong_fields=mutation.fields,
            )
        return InjectionResult(injected=False, original_action=action)

    def _kinds(self, action: Action) -> list[InjectionType]:
        """Kinds to try, in this order."""
        kinds = list(self.config.injection_types) or self._suitable(action)
        return self._rng.sample(kinds, len(kinds))

    def _suitable(self, action: Action) -> list[InjectionType]:
        if action.tool_name in ("send_email", "send_message"):
            first = InjectionType.WRONG_RECIPIENT
        elif action.tool_name in ("update_record", "modify_record"):
            first = InjectionType.WRONG_RECORD_ID
        elif action.tool_args.keys() & {"amount", "value"} & set(AMOUNT_KEYS):
            first = InjectionType.WRONG_AMOUNT
        else:
            return list(InjectionType)
        fits = MISTAKES[first](action, Source(random.Random(0), self._decoys, self.INVALID_TOOLS))
        return [first] if fits else list(InjectionType)

    def _source(self) -> Source:
        return Source(self._rng, self._decoys, self.INVALID_TOOLS)

    def _rewritten(self, action: Action, mutation: Mutation) -> Action:
        """The wrong Action, with the agent's words about it: a rationale that still names the right
        recipient would give the wrong one away."""
        args = mutation.tool_args
        swaps = {action.tool_name: mutation.tool_name}
        for key in mutation.fields:
            swaps |= dict(_swaps(action.tool_args[key], args[key]))
        wrong = action.model_copy(
            update={
                "tool_name": mutation.tool_name,
                "tool_args": args,
                "side_effects": [_reworded(text, swaps) for text in action.side_effects],
                "rationale": _reworded(action.rationale, swaps),
                "context_refs": [_reworded(text, swaps) for text in action.context_refs],
            }
        )
        return self._redraft(wrong)

    def get_stats(self) -> dict[str, Any]:
        total = self._total_count
        return {
            "total_actions": total,
            "injected_count": self._injection_count,
            "actual_rate": self._injection_count / total if total else None,
            "configured_rate": self.config.injection_rate,
        }

    def reset(self) -> None:
        """Forget the statistics; the dice go on."""
        self._injection_count = 0
        self._total_count = 0


def _swaps(old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """What a text may say about the right value, and what it then says about the wrong one."""
    if isinstance(old, list) and isinstance(new, list):
        for old_item, new_item in zip(old, new, strict=False):
            yield from _swaps(old_item, new_item)
    elif _is_amount(old) and _is_amount(new):
        forms = NUMBER_FORMS + (WHOLE_FORMS if old == int(old) else ())
        yield from ((form.format(old), form.format(new)) for form in forms)
    yield str(old), str(new)


def _is_amount(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -LARGEST < value < LARGEST


def _reworded(text: str, swaps: Mapping[str, str]) -> str:
    """`text` with every old word replaced that stands alone, not within a longer word or number."""
    words = sorted(filter(None, swaps), key=len, reverse=True)
    if not words:
        return text
    alone = rf"(?<!\w)(?<!\d[.,])({'|'.join(map(re.escape, words))})(?!\w)(?![.,]\d)"
    return re.sub(alone, lambda found: swaps[found[0]], text)
