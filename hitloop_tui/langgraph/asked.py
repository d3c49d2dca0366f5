"""One question about one Action, as it stands now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hitloop_tui.core.digest import action_digest
from hitloop_tui.core.models import Action
from hitloop_tui.langgraph.plain import plain


@dataclass(frozen=True)
class Asked:
    action: Action
    reason: str
    people: int = 1
    approvals: tuple[str, ...] = ()
    """Who approved this very call already."""

    @cached_property
    def shown(self) -> dict[str, Any]:
        """The Action as a person sees it, and as the checkpoint can hold it."""
        shown: dict[str, Any] = plain(dict(self.action))
        return shown

    @cached_property
    def digest(self) -> str:
        """Of the call that is shown: an approval of that is all a person can give.

        It differs from the Action's own only when an argument is nothing that can be shown as it
        is, like a Decimal.
        """
        return action_digest(self.shown["tool_name"], self.shown["tool_args"])

    @property
    def key(self) -> str:
        """What tells this question from the others of the same task."""
        return f"{self.shown['id']}/{self.digest}"


def key_of(detail: Mapping[str, Any]) -> str:
    """`Asked.key`, read from a question's own data."""
    return f"{detail['action']['id']}/{detail['digest']}"
