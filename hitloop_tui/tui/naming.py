"""People as the screen names them."""

from __future__ import annotations

from collections.abc import Sequence

from hitloop_tui.core.people import same_person
from hitloop_tui.safetext import Safe
from hitloop_tui.tui.widgets.values import word

HUMAN = "human:"


def name(by: str) -> Safe:
    """`ann` for `human:ann`. Whoever might be taken for somebody else keeps the whole name."""
    short = by.removeprefix(HUMAN)
    return word(by if ":" in short or short == "you" or not short.strip() else short)


def names(people: Sequence[str], me: str) -> Safe:
    """`ann, bob and you`."""
    *most, last = ["you" if same_person(each, me) else name(each) for each in people]
    return Safe(f"{', '.join(most)} and {last}" if most else last)
