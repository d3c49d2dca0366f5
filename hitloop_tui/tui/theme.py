"""Our themes: one neutral ramp, one accent; red, amber and green only for risk and state.

Widgets name variables, never colours. The variables of `_styles` are whole styles for `Content`
(`dim` on a terminal with 16 colours); stylesheets use the plain colours.
"""

from __future__ import annotations

import os
from collections.abc import Container
from dataclasses import dataclass

from textual.theme import BUILTIN_THEMES, Theme

DARK = "hitloop-dark"
LIGHT = "hitloop-light"
ANSI = "hitloop-ansi"


@dataclass(frozen=True, slots=True)
class Ramp:
    """The few colours that a truecolor theme is made of."""

    background: str
    surface: str
    panel: str
    line: str
    faint: str
    muted: str
    text: str
    accent: str
    selected: str
    red: str
    amber: str
    green: str


_DARK = Ramp(
    background="#14161b",
    surface="#191c22",
    panel="#20242c",
    line="#2d323d",
    faint="#626977",
    muted="#8f96a3",
    text="#d9dce3",
    accent="#82aaff",
    selected="#262d3d",
    red="#f47c86",
    amber="#e5b567",
    green="#8cc486",
)
_LIGHT = Ramp(
    background="#fcfcfb",
    surface="#f5f5f3",
    panel="#ebebe8",
    line="#d6d7da",
    faint="#8f949d",
    muted="#5d6470",
    text="#22252b",
    accent="#2f57c9",
    selected="#e4e9f8",
    red="#b3202c",
    amber="#8f5600",
    green="#2c7539",
)


def _styles(ramp: Ramp) -> dict[str, str]:
    return {
        "muted": ramp.muted,
        "faint": ramp.faint,
        "key-style": f"bold {ramp.accent}",
        "accent-style": ramp.accent,
        "good": ramp.green,
        "warn": ramp.amber,
        "bad": ramp.red,
        "risk-high": f"bold {ramp.red}",
        "risk-medium": ramp.amber,
        "risk-low": ramp.green,
        "risk-unrated": ramp.muted,
        "selected-style": f"on {ramp.selected}",
        "selected-blurred-style": f"on {ramp.panel}",
        "match-style": f"underline {ramp.accent}",
        "added-style": ramp.green,
        "removed-style": ramp.red,
    }


def _colours(ramp: Ramp) -> dict[str, str]:
    """Variables of stylesheets: our own two, and Textual's where its defaults are too loud."""
    return {
        "line": ramp.line,
        "selected": ramp.selected,
        "muted-colour": ramp.muted,
        "faint-colour": ramp.faint,
        "text": ramp.text,
        "text-muted": ramp.muted,
        "text-disabled": ramp.faint,
        "foreground-muted": ramp.muted,
        "border": ramp.accent,
        "border-blurred": ramp.line,
        "block-cursor-background": ramp.selected,
        "block-cursor-foreground": ramp.text,
        "block-cursor-blurred-background": ramp.panel,
        "block-cursor-blurred-foreground": ramp.text,
        "block-hover-background": ramp.panel,
        "scrollbar": ramp.line,
        "scrollbar-hover": ramp.faint,
        "scrollbar-active": ramp.muted,
        "scrollbar-background": ramp.background,
        "scrollbar-background-hover": ramp.background,
        "scrollbar-background-active": ramp.background,
        "scrollbar-corner-color": ramp.background,
        "input-cursor-background": ramp.text,
        "input-cursor-foreground": ramp.background,
        "input-selection-background": ramp.selected,
        "screen-selection-background": ramp.selected,
        "screen-selection-foreground": ramp.text,
        "footer-background": ramp.background,
        "button-color-foreground": ramp.background,
    }


def _theme(name: str, ramp: Ramp, *, dark: bool) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        primary=ramp.accent,
        secondary=ramp.muted,
        accent=ramp.accent,
        warning=ramp.amber,
        error=ramp.red,
        success=ramp.green,
        foreground=ramp.text,
        background=ramp.background,
        surface=ramp.surface,
        panel=ramp.panel,
        boost=ramp.panel,
        variables={**_colours(ramp), **_styles(ramp)},
    )


_ANSI_VARIABLES = {
    **BUILTIN_THEMES["ansi-dark"].variables,
    "line": "ansi_bright_black",
    "selected": "ansi_default",
    "muted-colour": "ansi_default",
    "faint-colour": "ansi_default",
    "muted": "dim",
    "faint": "dim",
    "key-style": "bold",
    "accent-style": "ansi_blue",
    "good": "ansi_green",
    "warn": "ansi_yellow",
    "bad": "ansi_red",
    "risk-high": "bold ansi_red",
    "risk-medium": "ansi_yellow",
    "risk-low": "ansi_green",
    "risk-unrated": "dim",
    "selected-style": "reverse",
    "selected-blurred-style": "bold",
    "match-style": "underline",
    "added-style": "ansi_green",
    "removed-style": "ansi_red",
    "border": "ansi_blue",
    "border-blurred": "ansi_bright_black",
    "scrollbar": "ansi_bright_black",
    "scrollbar-hover": "ansi_white",
    "scrollbar-active": "ansi_white",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
    "footer-key-foreground": "ansi_blue",
    "input-selection-background": "ansi_blue",
}


def _ansi() -> Theme:
    """The terminal's own colours; the one that reads without any (`NO_COLOR`), too."""
    return Theme(
        name=ANSI,
        ansi=True,
        primary="ansi_blue",
        secondary="ansi_default",
        accent="ansi_blue",
        warning="ansi_yellow",
        error="ansi_red",
        success="ansi_green",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables=_ANSI_VARIABLES,
    )


THEMES = (_theme(DARK, _DARK, dark=True), _theme(LIGHT, _LIGHT, dark=False), _ansi())


def variable_defaults(theme: Theme) -> dict[str, str]:
    """Our variables under a theme that is not ours (the palette offers Textual's, too)."""
    if theme.ansi:
        return dict(_ANSI_VARIABLES)
    return {**_colours(_DARK if theme.dark else _LIGHT), **_styles(_DARK if theme.dark else _LIGHT)}


def first_theme(available: Container[str]) -> str:
    """The theme to start in: `TEXTUAL_THEME` if there is one, else what the terminal can show."""
    chosen = os.environ.get("TEXTUAL_THEME", "")
    if chosen in available:
        return chosen
    return ANSI if few_colours() else DARK


def few_colours() -> bool:
    """No colour wanted, or a terminal in which Rich would draw ours with 16 greys and the like."""
    if os.environ.get("NO_COLOR") is not None:
        return True
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return False
    return os.environ.get("TERM", "").rpartition("-")[2] not in ("256color", "kitty")
