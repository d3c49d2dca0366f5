"""Every sign on the screen: a glyph and a word, so that nothing is said by colour alone."""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass, replace

from hitloop_tui.attach.review import State


@dataclass(frozen=True, slots=True)
class Sign:
    """A glyph, the word that says the same, and the style both are drawn in."""

    glyph: str
    word: str
    style: str
    """A style for `Content`: a theme variable such as `$risk-high`."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Single-cell characters. Two tables: one for UTF-8, one for everything else."""

    high: str = "▲"
    medium: str = "◆"
    low: str = "●"
    unrated: str = "○"
    pending: str = "○"
    held: str = "◔"
    decided: str = "◑"
    applying: str = "»"
    applied: str = "✓"
    failed: str = "✗"
    uncertain: str = "?"
    stale: str = "∅"
    expired: str = "◌"
    mark: str = "✓"
    looking: str = "◎"
    warning: str = "!"
    cursor: str = "▌"
    live: str = "●"
    dead: str = "○"
    arrow: str = "→"
    bullet: str = "•"
    dot: str = "·"
    dash: str = "─"
    bar: str = "│"
    ellipsis: str = "…"
    up: str = "↑"
    down: str = "↓"


_ASCII = Glyphs(
    high="^",
    medium="*",
    low="-",
    unrated="?",
    pending="o",
    held="h",
    decided="d",
    applying=">",
    applied="v",
    failed="x",
    uncertain="?",
    stale="/",
    expired="e",
    mark="v",
    looking="@",
    cursor=">",
    live="*",
    dead="o",
    arrow=">",
    bullet="*",
    dot="-",
    dash="-",
    bar="|",
    ellipsis="~",
    up="^",
    down="v",
)


def ascii_only() -> bool:
    """Whether the terminal is not known to draw more than ASCII."""
    if os.environ.get("HITLOOP_ASCII") == "1":
        return True
    return "utf" not in locale.getpreferredencoding(False).lower()


G = _ASCII if ascii_only() else Glyphs()

_RISKS = {
    "high": Sign(G.high, "HIGH", "$risk-high"),
    "medium": Sign(G.medium, "MEDIUM", "$risk-medium"),
    "low": Sign(G.low, "LOW", "$risk-low"),
}
_UNRATED = Sign(G.unrated, "UNRATED", "$risk-unrated")

_STATES = {
    State.PENDING: Sign(G.pending, "pending", "$muted"),
    State.HELD: Sign(G.held, "held", "$accent-style"),
    State.DECIDED: Sign(G.decided, "decided", "$accent-style"),
    State.APPLYING: Sign(G.applying, "applying", "$accent-style"),
    State.APPLIED: Sign(G.applied, "applied", "$good"),
    State.FAILED: Sign(G.failed, "failed", "$bad"),
    State.UNCERTAIN: Sign(G.uncertain, "uncertain", "$warn"),
    State.STALE: Sign(G.stale, "stale", "$muted"),
    State.EXPIRED: Sign(G.expired, "expired", "$warn"),
}

RISK_WIDTH = 9
"""Cells of the widest `glyph word` of a risk."""


def risk_sign(risk: str | None) -> Sign:
    """The sign of low, medium or high; anything else is unrated."""
    return _RISKS.get(risk or "", _UNRATED)


def state_sign(state: State) -> Sign:
    return _STATES[state]


def bold(sign: Sign) -> Sign:
    return replace(sign, style=f"bold {sign.style}")
