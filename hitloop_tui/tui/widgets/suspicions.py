"""What in an agent's text could mislead an eye, named character by character."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.safetext import Safe, hidden_characters, safe
from hitloop_tui.tui.widgets.rows import own
from hitloop_tui.tui.widgets.values import Budget

MAX_VALUES = 2000
MAX_NAMED = 4
"""Different characters named in one warning."""

_WORD = re.compile(r"[^\W\d_]{2,}")
_LATIN_LOOKALIKES = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "FULLWIDTH")


def suspicions(action: ReviewAction) -> list[Safe]:
    """One sentence for each text with hidden characters or words of mixed scripts."""
    found: list[Safe] = []
    for where, text in _texts(action):
        if text.isascii() and text.isprintable():
            continue
        found += _hidden(where, text)
        found += _mixed(where, text)
    return found


def _hidden(where: str, text: str) -> Iterator[Safe]:
    counts = Counter(hidden_characters(text))
    if not counts:
        return
    names = [f"{_named(char)} x{count}" for char, count in counts.most_common(MAX_NAMED)]
    if len(counts) > MAX_NAMED:
        names.append(f"{len(counts) - MAX_NAMED} others")
    yield own(f"{safe(where)}: hidden characters, shown as escapes: {', '.join(names)}")


def _mixed(where: str, text: str) -> Iterator[Safe]:
    if text.isascii():
        return
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isascii() or not any(char.isascii() for char in word):
            continue
        strange = [char for char in word if _name(char).startswith(_LATIN_LOOKALIKES)]
        if strange:
            names = ", ".join(_named(char) for char in dict.fromkeys(strange[:MAX_NAMED]))
            yield own(f"{safe(where)}: {safe(word[:60])} is not all Latin: {names}")
            return


def _named(char: str) -> str:
    return f"U+{ord(char):04X} {_name(char)}".rstrip()


def _name(char: str) -> str:
    return unicodedata.name(char, _CONTROLS.get(char, ""))


_CONTROLS = {
    "\x1b": "ESCAPE",
    "\x00": "NULL",
    "\x07": "BELL",
    "\x08": "BACKSPACE",
    "\x7f": "DELETE",
}


def _texts(action: ReviewAction) -> Iterator[tuple[str, str]]:
    """Texts with the name they are shown under, as far as a card shows them."""
    limit = Budget().chars
    yield "tool name", action.tool_name[:limit]
    stack: list[tuple[str, Any]] = [(str(k), v) for k, v in reversed(action.tool_args.items())]
    for _ in range(MAX_VALUES):
        if not stack:
            break
        where, value = stack.pop()
        match value:
            case str():
                yield where, value[:limit]
            case dict():
                yield f"a name in {where}", " ".join(map(str, list(value)[:MAX_VALUES]))[:limit]
                stack += [
                    (f"{where}.{k}", v) for k, v in reversed(list(value.items())[:MAX_VALUES])
                ]
            case list() | tuple():
                stack += [
                    (f"{where}[{n}]", v) for n, v in reversed(list(enumerate(value[:MAX_VALUES])))
                ]
    yield "rationale", action.rationale[:limit]
    yield "description", action.description[:limit]
