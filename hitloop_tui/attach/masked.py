"""Reviews as they are shown: what is masked in the arguments is gone from the words, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hitloop_tui.attach.masks import Masks
from hitloop_tui.attach.out_of_texts import in_texts, without
from hitloop_tui.attach.review import Review, ReviewAction, Verdict

_SAID = ("detail", "policy_reason", "warnings", "history", "messages")
_ANSWERS = ("verdicts", "answer")
_TOLD = ("rationale", "description", "side_effects", "context_refs")
"""The agent's words in an Action's JSON."""


def masked_action(masks: Masks, action: ReviewAction) -> ReviewAction:
    args = masks.over(action.tool_args)
    if not args.hidden:
        return action
    words = without(args.hidden.values())
    return replace(
        action,
        tool_args=args.value,
        rationale=words(action.rationale),
        description=words(action.description),
        side_effects=tuple(map(words, action.side_effects)),
        context_refs=tuple(map(words, action.context_refs)),
    )


def masked_review(masks: Masks, review: Review) -> Review:
    actions = tuple(masked_action(masks, action) for action in review.actions)
    verdicts = {number: _masked_verdict(masks, one) for number, one in review.verdicts.items()}
    if actions == review.actions and verdicts == review.verdicts:
        return review
    words, reading = masked_words(masks, review), review.reading
    reading = replace(
        reading,
        actions=actions,
        policy_reason=words(reading.policy_reason),
        warnings=tuple(map(words, reading.warnings)),
    )
    return replace(review, reading=reading, verdicts=verdicts, detail=words(review.detail))


def masked_words(masks: Masks, review: Review) -> Callable[[str], str]:
    """Takes the masked values of a Review out of a text."""
    hidden = (masks.over(action.tool_args).hidden for action in review.actions)
    return without([value for each in hidden for value in each.values()])


def masked_json(masks: Masks, shown: dict[str, Any]) -> dict[str, Any]:
    """`Review.to_json()` as it is shown, with what `show` adds; each Action tells where masks are.

    Ids stay as they are.
    """
    args = [masks.over(action["tool_args"]) for action in shown["actions"]]
    words = without([value for each in args for value in each.hidden.values()])
    told = {name: in_texts(words, shown[name]) for name in _SAID if name in shown}
    told |= {name: masks.over(shown[name]).value for name in _ANSWERS if name in shown}
    told["actions"] = [
        {
            **action,
            **{name: in_texts(words, action[name]) for name in _TOLD if name in action},
            "tool_args": each.value,
            "masked": list(each.places),
        }
        for action, each in zip(shown["actions"], args, strict=True)
    ]
    return shown | told


def unmasked(masks: Masks, verdict: Verdict, action: ReviewAction) -> Verdict:
    """An edit as it is recorded: a mask never becomes a value. Raises InvalidVerdict."""
    if verdict.args is None:
        return verdict
    return replace(verdict, args=masks.restored(verdict.args, action.tool_args))


def _masked_verdict(masks: Masks, verdict: Verdict) -> Verdict:
    args, value = masks.over(verdict.args), masks.over(verdict.value)
    if not args.hidden and not value.hidden:
        return verdict
    return replace(verdict, args=args.value, value=value.value)
