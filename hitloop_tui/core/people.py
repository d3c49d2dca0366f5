"""Who is who: names as people state them."""

from __future__ import annotations

import unicodedata


def same_person(one: str, other: str) -> bool:
    """Whether two values of `decided_by` name one person: `human:ann` and `human: Ann` do.

    Names are claims; this only keeps one person from counting twice by a slip of the keyboard.
    """
    return _folded(one) == _folded(other)


def _folded(who: str) -> str:
    return ":".join(
        part.strip() for part in unicodedata.normalize("NFKC", who).casefold().split(":")
    )
