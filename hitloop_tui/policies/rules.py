"""A policy as a file of ordered rules, so that it can be read, reviewed and versioned.

    [[rule]]
    name = "mail within the house"
    tool = "send_*"
    args = { to = "*@halden.example" }
    verdict = "auto_approve"

    [[rule]]
    tool = ["delete_*", "purge"]
    verdict = "ask 2 people"
    reason = "Deleting cannot be undone."

The first rule that matches decides; when none does, a person is asked. `tool` and each of `args`
is a glob (`*`, `?`, `[seq]`; `[[]` is a bracket) or a list of them, of which one must match.
`to.name` reaches into an argument. Arguments that a rule does not name may have any value.

Matching errs on the side of asking (`globs`). A rule that lets a call run must match exactly: case
counts, and all of a list must match, also of one in a text. A rule that stops a call matches
loosely: case and width of letters do not count, one element of a list is enough. No glob can fence
in what a shell makes of a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hitloop_tui.core.interfaces import Outcome, PolicyVerdict
from hitloop_tui.core.models import Action
from hitloop_tui.policies.globs import (
    Globs,
    either,
    matches_loosely,
    reach,
    shown,
    strict_mismatch,
)

NO_MATCH = "No rule matches, so a person is asked."


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rule]]` of a file."""

    number: int
    """Its place in the file, from 1."""
    outcome: Outcome
    people: int = 1
    name: str = ""
    tool: Globs = ("*",)
    args: Mapping[str, Globs] = field(default_factory=dict)
    reason: str = ""

    @property
    def title(self) -> str:
        return f"rule {self.number}" + (f" ({self.name})" if self.name else "")

    @property
    def verdict(self) -> str:
        """The verdict as the file writes it."""
        return self.outcome if self.people == 1 else f"ask {self.people} people"

    def mismatch(self, action: Action) -> str | None:
        """Why the rule does not apply; None when it does."""
        if why := self._mismatch([action.tool_name], self.tool):
            return f"the tool is {why}"
        for path, globs in self.args.items():
            found = list(reach(action.tool_args, path))
            if not found:
                return f"there is no argument {path}"
            if why := self._mismatch(found, globs):
                return f"the argument {path} is {why}"
        return None

    def _mismatch(self, found: list[Any], globs: Globs) -> str | None:
        if self.outcome == "auto_approve":
            whys = (strict_mismatch(value, globs) for value in found)
            return next((why for why in whys if why is not None), None)
        if any(matches_loosely(value, globs) for value in found):
            return None
        return f"{shown(found[0])}, not {either(globs)}"

    def conditions(self) -> str:
        """What made the rule apply, in words."""
        parts = [f"tool is {either(self.tool)}"]
        parts += [f"{path} is {either(globs)}" for path, globs in self.args.items()]
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which rule fires for an Action, and why the ones before it do not."""

    rule: Rule | None
    verdict: PolicyVerdict
    passed: tuple[tuple[Rule, str], ...]
    """The rules before it, each with why it does not apply."""

    def lines(self) -> list[str]:
        """For eyes. The text is raw: pass it through `safetext`."""
        lines = [f"{rule.title}: no, {why}" for rule, why in self.passed]
        if self.rule is None:
            return [*lines, f"ask: {NO_MATCH}"]
        lines.append(f"{self.rule.title}: yes, {self.rule.conditions()}")
        return [*lines, f"{self.rule.verdict}: {self.verdict.reason}"]

    def to_json(self) -> dict[str, Any]:
        rule = self.rule
        return {
            "verdict": "ask" if rule is None else rule.verdict,
            "outcome": self.verdict.outcome,
            "people": self.verdict.people,
            "reason": self.verdict.reason,
            "rule": None if rule is None else rule.number,
            "name": None if rule is None else rule.name or None,
            "passed": [{"rule": rule.number, "why": why} for rule, why in self.passed],
        }


def explain(rules: tuple[Rule, ...], action: Action) -> Explanation:
    """The first of `rules` that applies to `action` decides; none: a person is asked."""
    passed: list[tuple[Rule, str]] = []
    for rule in rules:
        why_not = rule.mismatch(action)
        if why_not is None:
            reason = rule.reason or f"R{rule.title[1:]} applies: {rule.conditions()}."
            verdict = PolicyVerdict(rule.outcome, reason, rule.people)
            return Explanation(rule, verdict, tuple(passed))
        passed.append((rule, why_not))
    return Explanation(None, PolicyVerdict("ask", NO_MATCH), tuple(passed))
