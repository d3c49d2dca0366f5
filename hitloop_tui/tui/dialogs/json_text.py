"""JSON for a person to edit: readable, inert, and the same value again when nothing is changed."""

from __future__ import annotations

import json
import re
import unicodedata
from itertools import islice
from typing import Any

from hitloop_tui.core.strict_json import NotJson, parse_json
from hitloop_tui.safetext import MAX_MARKS, hidden_characters

MAX_EDITED = 64 * 1024
"""Characters of JSON edited on the screen; with more, each key takes a tenth of a second."""
_TOO_LONG = (
    f"these arguments are too long to edit here (more than {MAX_EDITED:,} characters);"
    " use `hitloop-tui edit`"
)


def inert_json(value: Any, *, indent: int | None = 2) -> str:
    """JSON in which every character that an eye or a terminal could miss is a `\\u` escape.

    Raises TypeError or ValueError for what JSON cannot express.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    if text.isascii() and "\x7f" not in text:
        return text
    hidden = {ord(char): _escaped(char) for char in hidden_characters("".join(set(text)))}
    return _MARKS.sub(_few_marks, text.translate(hidden))


def editable(args: dict[str, Any]) -> str:
    """The arguments as JSON that reads back as the very same value.

    Raises NotJson, with a sentence for the person, when they cannot be edited on the screen.
    """
    if _characters(args) > MAX_EDITED:
        raise NotJson(_TOO_LONG)
    try:
        text = inert_json(args)
        same = parse_json(text) == args
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise NotJson("these arguments hold a value that JSON cannot express")
    if len(text) > MAX_EDITED:
        raise NotJson(_TOO_LONG)
    return text


def _characters(value: Any) -> int:
    """Fewer than its JSON has, counted no further than up to `MAX_EDITED` and some."""
    count, stack = 0, [value]
    while stack and count <= MAX_EDITED:
        match stack.pop():
            case str() as text:
                count += len(text)
            case dict() as items:
                count += len(items)
                stack += [*islice(items, MAX_EDITED), *islice(items.values(), MAX_EDITED)]
            case list() | tuple() as items:
                count += len(items)
                stack += islice(items, MAX_EDITED)
    return count


_MARKS = re.compile(r"[^\x00-\u02ff]+")


def _few_marks(match: re.Match[str]) -> str:
    """More combining marks than one sees on a letter are escaped."""
    shown: list[str] = []
    marks = 0
    for char in match[0]:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Mc", "Me") else 0
        shown.append(char if marks <= MAX_MARKS else _escaped(char))
    return "".join(shown)


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1] if char != "\x7f" else "\\u007f"
