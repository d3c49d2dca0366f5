"""Who is who: names as people state them."""

from __future__ import annotations

import unicodedata


def same_person(one: str, other: str) -> bool:
    """Whether two values of `decided_by` name one person.

    Names are claims; this only keeps one person from counting twice by a slip of the keyboard.
    """
    return person_name(one) == person_name(other)


def person_name(who: str) -> str:
    """`dana`, `human:dana` and `Human: Dana` are one name."""
    plain = unicodedata.normalize("NFKC", who).casefold().strip()
    while plain.startswith("human:"):
        plain = plain.removeprefix("human:").strip()
    return plain


def nobody(who: str) -> bool:
    """Whether this names no person in particular."""
    name = person_name(who)
    return name in ("", "human", "unknown") or name.startswith(("policy:", "system:"))
