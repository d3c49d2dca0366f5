"""Texts meant to mislead a person, a terminal, a parser or a widget."""

from __future__ import annotations

from tests.hostile.escapes import escapes
from tests.hostile.markup import html, markup
from tests.hostile.naughty import naughty
from tests.hostile.trojan import trojan


def texts() -> dict[str, list[str]]:
    """Every corpus of texts but the code points, by name; no text twice."""
    made = {"naughty": naughty(), "trojan": trojan(), "escapes": escapes(), "markup": markup()}
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for name, corpus in {**made, "html": html()}.items():
        found[name] = [text for text in dict.fromkeys(corpus) if text not in seen]
        seen.update(found[name])
    return found


def every() -> list[str]:
    return [text for corpus in texts().values() for text in corpus]


def sample(count: int) -> list[str]:
    """`count` texts, of every corpus as many as its share, evenly spread over it."""
    found: list[str] = []
    total = len(every())
    for corpus in texts().values():
        share = max(count * len(corpus) // total, 8)
        found += [corpus[n * len(corpus) // share] for n in range(min(share, len(corpus)))]
    return found
