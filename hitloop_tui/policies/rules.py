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
is a glob (`*`, `?`, `[seq]`) or a list of them, of which one must match. `to.name` reaches into an
argument. Numbers, booleans and null are compared as JSON writes them.

Matching errs on the side of asking. A rule that lets a call run must match exactly: case counts,
every element of a list matches, a value that climbs with `..` only a glob that says so. A rule
that stops a call matches loosely: case and look-alike letter forms do not count, one element of a
list is enough.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from hitloop_tui.core.interfaces import Outcome, PolicyVerdict
from hitloop_tui.core.models import Action
from hitloop_tui.errors import ConfigError

VERDICTS = "auto_approve, ask, reject, or ask N people"
FIELDS = ("name", "tool", "args", "verdict", "reason")
NO_MATCH = "No rule matches, so a person is asked."
_SEVERAL = re.compile(r"ask ([2-9]) people")

Globs = tuple[str, ...]


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
        strict = self.outcome == "auto_approve"
        if not _matches(action.tool_name, self.tool, strict):
            return f"the tool {action.tool_name} is not {_either(self.tool)}"
        for path, globs in self.args.items():
            found, value = _reach(action.tool_args, path)
            if not found:
                return f"there is no argument {path}"
            if not _matches(value, globs, strict):
                return f"the argument {path} is {_shown(value)}, not {_either(globs)}"
        return None

    def conditions(self) -> str:
        """What made the rule apply, in words."""
        parts = [f"tool is {_either(self.tool)}"]
        parts += [f"{path} is {_either(globs)}" for path, globs in self.args.items()]
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


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file; ConfigError names the file, the rule and the field that is wrong."""
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    try:
        return tuple(_rules(document))
    except _Wrong as wrong:
        raise ConfigError(f"{path}: {wrong}") from None


class _Wrong(Exception):
    """Names the rule and the field."""


def _rules(document: dict[str, Any]) -> Iterator[Rule]:
    for key in document.keys() - {"rule"}:
        raise _Wrong(f"{key}: a policy file has [[rule]] tables and nothing else")
    tables = document.get("rule", [])
    if not isinstance(tables, list):
        raise _Wrong("rule: write [[rule]], with two brackets")
    for number, table in enumerate(tables, start=1):
        where = f"rule {number}"
        if not isinstance(table, dict):
            raise _Wrong(f"{where}: must be a table")
        yield _rule(number, table, where)


def _rule(number: int, table: dict[str, Any], where: str) -> Rule:
    for key in table.keys() - set(FIELDS):
        close = difflib.get_close_matches(key, FIELDS, 1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(FIELDS)}"
        raise _Wrong(f"{where}, field {key}: unknown; {hint}")
    if "verdict" not in table:
        raise _Wrong(f"{where}, field verdict: missing; one of {VERDICTS}")
    outcome, people = _verdict(table["verdict"], where)
    args = table.get("args", {})
    if not isinstance(args, dict):
        raise _Wrong(f"{where}, field args: must be a table of argument = glob")
    return Rule(
        number=number,
        outcome=outcome,
        people=people,
        name=_words(table, "name", where),
        tool=_globs(table.get("tool", "*"), f"{where}, field tool"),
        args=dict(_arguments(args, "", where)),
        reason=_words(table, "reason", where),
    )


def _verdict(value: Any, where: str) -> tuple[Outcome, int]:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    match text:
        case "auto_approve" | "ask" | "reject":
            return text, 1
        case _ if several := _SEVERAL.fullmatch(text):
            return "ask", int(several[1])
        case _:
            raise _Wrong(f"{where}, field verdict: {value!r} is not one of {VERDICTS}")


def _words(table: dict[str, Any], key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _Wrong(f"{where}, field {key}: must be a text")
    return value


def _arguments(table: dict[str, Any], prefix: str, where: str) -> Iterator[tuple[str, Globs]]:
    """`args.to.name = ...` is a table within a table for TOML, and one path here."""
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _arguments(value, f"{path}.", where)
        else:
            yield path, _globs(value, f"{where}, field args.{path}")


def _globs(value: Any, where: str) -> Globs:
    items = value if isinstance(value, list) else [value]
    if not items:
        raise _Wrong(f"{where}: an empty list matches nothing")
    for item in items:
        if not isinstance(item, str | bool | int | float):
            raise _Wrong(f"{where}: {item!r} is not a glob")
    return tuple(_text(item) for item in items)


def _reach(args: Mapping[str, Any], path: str) -> tuple[bool, Any]:
    """The argument at a path; a name that itself has dots goes first."""
    if path in args:
        return True, args[path]
    first, _, rest = path.partition(".")
    inner = args.get(first)
    return _reach(inner, rest) if rest and isinstance(inner, Mapping) else (False, None)


def _matches(value: Any, globs: Globs, strict: bool) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        found = (_matches(item, globs, strict) for item in value)
        return len(value) > 0 and all(found) if strict else any(found)
    text = _text(value)
    if strict:
        return any(fnmatchcase(text, glob) and _climbs(text) <= _climbs(glob) for glob in globs)
    return any(fnmatchcase(_loose(text), _loose(glob)) for glob in globs)


def _loose(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _climbs(text: str) -> bool:
    return ".." in re.split(r"[/\\]", text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _either(globs: Globs) -> str:
    return " or ".join(map(_shown, globs))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:80]}… +{len(text) - 80} characters"
