"""A benign text as large as a hostile one: as many characters, cells and rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from string import ascii_lowercase

from rich.cells import cell_len

from hitloop_tui.safetext import safe
from hitloop_tui.tui.dialogs.json_text import inert_json
from hitloop_tui.tui.widgets.rows import _JOINTS, _ONE_CELL
from hitloop_tui.tui.widgets.values import word

KEPT = frozenset(f' \n{_JOINTS}"=…•')
"""Characters at which rows end, or that texts on one line are quoted for."""
QUOTED = dict.fromkeys("[]{}'", "'")
"""Signs for which a text on one line stands in quotes, and one that is no markup."""
BENIGN = "xx\u00e6\u10d0\u5b57\u0301\U0001d15e\t\u00ad\u200b\U000e0101\\"
"""Of each kind of character that is drawn differently, one that says nothing."""


def twin(text: str, letter: str = "x") -> str:
    """Draws like `text`, and says nothing but a letter."""
    return "".join(map(_benign, text)).replace("x", letter)


def twins(texts: Sequence[str]) -> list[str]:
    """Of each text one; of texts that differ, twins that do."""
    found = [twin(each, letter) for each, letter in zip(texts, ascii_lowercase, strict=False)]
    if len(set(found)) < len(set(texts)):
        raise ValueError(f"twins that are the same: {texts!a}")
    return found


@cache
def _benign(char: str) -> str:
    if char in KEPT or char in QUOTED:
        return QUOTED.get(char, char)
    kind = _kind(char)
    return next((other for other in BENIGN if _kind(other) == kind), char)


def _kind(char: str) -> tuple[object, ...]:
    mark = unicodedata.category(char) in ("Mn", "Me")
    drawn, as_json = safe(char), inert_json(char)
    sizes = cell_len(drawn), len(drawn), len(as_json), len(word(char))
    return *sizes, mark, char.isascii(), char in _ONE_CELL
