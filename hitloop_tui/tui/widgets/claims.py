"""What an agent says of its own risk. Nobody of ours has rated that: it is a claim."""

from __future__ import annotations

from typing import Any

from hitloop_tui.attach.review import Review, ReviewAction

NAMES = ("risk_class", "risk", "risk_level", "severity")


def claimed_risk(review: Review, action: ReviewAction) -> str | None:
    """What the payload calls the risk of an Action that is unrated; raw text."""
    if action.risk_class is not None:
        return None
    index = review.actions.index(action)
    for place in _places(review.question.value, index):
        for name in NAMES:
            if isinstance(place.get(name), str | int | float):
                return str(place[name])
    return None


def _places(value: Any, index: int) -> list[dict[str, Any]]:
    """Where payloads of all shapes may speak of one Action."""
    match value:
        case [{"hitloop": {"action": {} as ours}}]:
            return [ours]
        case {"action_requests": [*requests]} | [*requests] if index < len(requests):
            found = [requests[index], value]
        case _:
            found = [value]
    return [each for each in found if isinstance(each, dict)]
