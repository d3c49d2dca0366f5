"""The one door for text that somebody else wrote.

`safe` makes every character visible that a terminal or an eye could be misled by, and is injective:
`unescape(safe(text)) == text` for any text, so no two texts look the same for a hidden reason.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

MAX_MARKS = 2
"""Combining marks shown after one base character; more are written as escapes."""
_MARKS = ("Mn", "Mc", "Me")

_FILLERS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc"
    "\U0001107f\U00013441\U00013442\U00016fe4\U0001d159"
)
"""Assigned letters, marks and symbols that print as nothing: fillers, joiners, blanks."""

UNSURE = frozenset(
    map(
        chr,
        (
            *range(0x1F1E6, 0x1F200),  # regional indicators: one cell, two, or half a flag
            *range(0x1F3FB, 0x1F400),  # skin tones: two cells, or none after an emoji
            *range(0x1160, 0x1200),  # Korean vowels and finals alone: nothing, or two cells
            *range(0xD7B0, 0xD800),
        ),
    )
)
"""Characters that terminals count other cells for than Textual does: what follows would move."""

_ESCAPE = re.compile(r"\\\\|\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
_PLAIN = re.compile(r"[ -\[\]-~]*")
_PRINTS = re.compile(r"[ -~\u00a0-\u00ac\u00ae-\u02ff\u2190-\u21ff\u2500-\u25ff…•✓✗⏎␣]*")
"""Most of our own texts. They may hold a no-break space, which `safe` never lets through."""


class Safe(str):
    """Text that went through the door; the only text widgets and the command line print.

    `Safe(text)` is for words of our own around pieces that are safe already: it leaves backslashes
    and combining marks alone, so it is not injective, but no instance ever holds a character that
    controls a terminal, prints as nothing or moves others.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Safe:
        if not _PRINTS.fullmatch(text):
            text = "".join(escaped(c) if c not in "\\\xa0" and _hidden(c) else c for c in text)
        return super().__new__(cls, text)


def safe(text: str) -> Safe:
    """`text` on one line, with controls, bidi, zero-width and look-alike characters escaped."""
    if _PLAIN.fullmatch(text):
        return str.__new__(Safe, text)
    shown: list[str] = []
    marks = MAX_MARKS  # a mark at the very start has no base to sit on
    for char in text:
        if unicodedata.category(char) in _MARKS and not _hidden(char):
            marks += 1
            shown.append(char if marks <= MAX_MARKS else escaped(char))
        else:
            marks = 0
            shown.append(escaped(char) if _hidden(char) else char)
    return str.__new__(Safe, "".join(shown))


def safe_lines(text: str) -> list[Safe]:
    """`text` split at its newlines only, each line safe."""
    return [safe(line) for line in text.split("\n")]


def safe_any(value: Any) -> Safe:
    """`safe(str(value))`, for ids and numbers."""
    return safe(str(value))


def hidden_characters(text: str) -> list[str]:
    """The characters of `text` that `safe` would escape, without newlines, tabs and backslashes."""
    return [char for char in text if char not in "\n\t\r\\" and _hidden(char)]


def unescape(shown: str) -> str:
    """What `safe` was given."""
    return _ESCAPE.sub(_original, shown)


def _original(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    return chr(int(digits, 16)) if digits else "\\"


@lru_cache(maxsize=4096)
def _hidden(char: str) -> bool:
    if char in "\\" or char in _FILLERS or char in UNSURE:
        return True
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return True
    if category == "Zs":
        return char != " "
    return (
        0xFE00 <= ord(char) <= 0xFE0F
        or 0xE0100 <= ord(char) <= 0xE01EF
        or char in "\u180b\u180c\u180d\u180f"
    )


def escaped(char: str) -> str:
    """One character as `safe` writes those that it does not show."""
    code = ord(char)
    if char == "\\":
        return "\\\\"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
