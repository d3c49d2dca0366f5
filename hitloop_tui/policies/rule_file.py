"""Reading a policy file: its rules, or all of its mistakes, each with the place where it is."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hitloop_tui.core.interfaces import Outcome
from hitloop_tui.errors import ConfigError
from hitloop_tui.policies.globs import Globs, shown, text_of
from hitloop_tui.policies.rules import Rule

VERDICTS = ("auto_approve", "ask", "reject")
KNOWN_VERDICTS = "auto_approve, ask, reject, or ask N people with N from 2 to 9"
FIELDS = ("name", "tool", "args", "verdict", "reason")
_SEVERAL = re.compile(r"ask ([2-9]) people")
_HEADER = re.compile(r"""\s*\[\[\s*["']?rule["']?\s*]]""")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a policy file, and where."""

    text: str
    rule: int | None = None
    field: str | None = None
    line: int | None = None
    """From 1; None when it is not known."""

    def __str__(self) -> str:
        places = (("line", self.line), ("rule", self.rule), ("field", self.field))
        where = ", ".join(f"{kind} {place}" for kind, place in places if place is not None)
        return f"{where}: {self.text}" if where else self.text


class PolicyFileError(ConfigError):
    """A policy file cannot be used. The text has a line for every mistake, each with the file."""

    def __init__(self, path: Path, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(f"{path}: {mistake}" for mistake in mistakes))
        self.path = path
        self.mistakes = tuple(mistakes)


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file; PolicyFileError lists all that is wrong with it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        document = tomllib.loads(text)
    except OSError as error:
        raise PolicyFileError(path, [Mistake(error.strerror or str(error))]) from None
    except UnicodeDecodeError as error:
        raise PolicyFileError(path, [Mistake(f"not UTF-8 at byte {error.start}")]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        mistake = Mistake(f"not TOML: {error}", line=int(line[1]) if line else None)
        raise PolicyFileError(path, [mistake]) from None
    reading = _Reading(_Places(text, document.get("rule")))
    rules = tuple(reading.rules(document))
    if reading.mistakes:
        raise PolicyFileError(path, reading.mistakes)
    return rules


class _Reading:
    """Reads all rules, and notes every mistake on the way."""

    def __init__(self, places: _Places) -> None:
        self.mistakes: list[Mistake] = []
        self._places = places

    def rules(self, document: dict[str, Any]) -> Iterator[Rule]:
        for key in (key for key in document if key != "rule"):
            text = "unknown; a policy file has [[rule]] tables and nothing else"
            self.mistakes.append(Mistake(text, field=key))
        tables = document.get("rule", [])
        if not isinstance(tables, list):
            self.mistakes.append(Mistake("write [[rule]], with two brackets", field="rule"))
            return
        owners: dict[str, int] = {}
        for number, table in enumerate(tables, start=1):
            if not isinstance(table, dict):
                self._wrong(number, None, "must be a table")
                continue
            rule = self._rule(number, table)
            if rule.name and owners.setdefault(rule.name, number) != number:
                self._wrong(number, "name", f"rule {owners[rule.name]} has this name already")
            yield rule

    def _wrong(self, rule: int, field: str | None, text: str) -> None:
        self.mistakes.append(Mistake(text, rule, field, self._places.line(rule, field)))

    def _rule(self, number: int, table: dict[str, Any]) -> Rule:
        for key in (key for key in table if key not in FIELDS):
            hint = _did_you_mean(key, FIELDS) or f"known are {', '.join(FIELDS)}"
            self._wrong(number, key, f"unknown; {hint}")
        outcome, people = self._verdict(number, table.get("verdict"))
        args = table.get("args", {})
        if not isinstance(args, dict):
            self._wrong(number, "args", "must be a table of argument = glob")
            args = {}
        return Rule(
            number=number,
            outcome=outcome,
            people=people,
            name=self._words(number, table, "name"),
            tool=self._globs(number, "tool", table.get("tool", "*")),
            args=dict(self._arguments(number, args, "")),
            reason=self._words(number, table, "reason"),
        )

    def _verdict(self, number: int, value: Any) -> tuple[Outcome, int]:
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if text in VERDICTS:
            return cast("Outcome", text), 1
        if several := _SEVERAL.fullmatch(text):
            return "ask", int(several[1])
        if value is None:
            said = f"missing; one of {KNOWN_VERDICTS}"
        else:
            hint = _did_you_mean(text, VERDICTS)
            said = f"{value!r} is not {KNOWN_VERDICTS}" + (f"; {hint}" if hint else "")
        self._wrong(number, "verdict", said)
        return "ask", 1

    def _words(self, number: int, table: dict[str, Any], key: str) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self._wrong(number, key, f"must be a text, not {shown(value)}")
            return ""
        return value

    def _arguments(
        self, number: int, table: dict[str, Any], prefix: str
    ) -> Iterator[tuple[str, Globs]]:
        """`args.to.name = ...` is a table within a table for TOML, and one path here."""
        for key, value in table.items():
            path = f"{prefix}{key}"
            if isinstance(value, dict):
                yield from self._arguments(number, value, f"{path}.")
            else:
                yield path, self._globs(number, f"args.{path}", value)

    def _globs(self, number: int, field: str, value: Any) -> Globs:
        items = value if isinstance(value, list) else [value]
        if not items:
            self._wrong(number, field, "an empty list matches nothing")
        for item in items:
            if not isinstance(item, str | bool | int | float):
                self._wrong(number, field, f"{shown(item)} is not a glob")
            elif isinstance(item, str) and _unclosed(item):
                self._wrong(number, field, f"{shown(item)} has a [ without a ]; write [[] for it")
            elif item == "" and field == "tool":
                self._wrong(number, field, "an empty text is the name of no tool")
        return tuple(text_of(item) for item in items)


class _Places:
    """Where things are. TOML's reader does not say, so it is found by the looks of a line."""

    def __init__(self, text: str, tables: Any) -> None:
        self._lines = text.split("\n")
        heads = [n for n, line in enumerate(self._lines, start=1) if _HEADER.match(line)]
        known = isinstance(tables, list) and len(heads) == len(tables)
        self._heads = [*heads, len(self._lines) + 1] if known else []

    def line(self, rule: int, field: str | None) -> int | None:
        """The line of a field, else of its rule; None when the rules are written otherwise."""
        if not self._heads:
            return None
        first, after = self._heads[rule - 1 : rule + 1]
        names = (field or "").split(".")
        for name in (".".join(names), names[-1], names[0]):
            found = re.compile(rf"[\s\[\"']*(?:[\w.]+\.)?{re.escape(name)}\b")
            for number in range(first + 1, after):
                if name and found.match(self._lines[number - 1]):
                    return number
        return first


def _did_you_mean(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean {close[0]}?" if close else ""


def _unclosed(glob: str) -> bool:
    """Whether a `[` stands alone; fnmatch would take it for the character itself."""
    at = glob.find("[")
    while at >= 0:
        end = glob.find("]", at + (3 if glob[at + 1 : at + 2] == "!" else 2))
        if end < 0:
            return True
        at = glob.find("[", end)
    return False
