"""Styled text for widgets. Only text that went through `safetext` gets in; markup never does."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from hitloop_tui.safetext import Safe
from hitloop_tui.tui.glyphs import G, Sign

Part = Safe | Content | tuple[Safe, str]

MUTED = "$muted"
"""Labels and everything second to the values."""
FAINT = "$faint"
"""Decoration: rules, separators, type names."""
STRONG = "bold"
KEY = "$key-style"
"""A key to press."""
ACCENT = "$accent-style"
GOOD = "$good"
WARN = "$warn"
BAD = "$bad"


def text(value: Safe, style: str = "") -> Content:
    """Somebody else's text, in one style."""
    return Content.styled(value, style) if style else Content(value)


def own(literal: str, style: str = "") -> Content:
    """Text of our own: literals, numbers, glyphs. Never agent text."""
    return text(Safe(literal), style)


def line(*parts: Part) -> Content:
    """Parts, one after the other."""
    return Content.assemble(*(_content(part) for part in parts))


def lines(parts: list[Content]) -> Content:
    """One part a line."""
    return Content("\n").join(parts)


def sign(of: Sign, width: int = 0) -> Content:
    """`glyph WORD`, padded to `width` cells."""
    return own(f"{of.glyph} {of.word}".ljust(width), of.style)


def fitted(
    content: Content, width: int, style: str = FAINT, hidden: int = 0, *, counted: bool = True
) -> Content:
    """Exactly `width` cells: padded, or cut with the number of characters that are not shown.

    `hidden` characters are missing from the end of the content already; these are not all where
    they could not be `counted`.
    """
    if content.cell_length > width:
        content = content.rstrip()
    shown = cut(content, width, hidden, counted=counted)
    return line(shown, own(" " * max(width - shown.cell_length, 0), style))


def short(words: Safe, width: int) -> Safe:
    """At most `width` cells, and how many characters more there are."""
    return words if cell_len(words) <= width else Safe(cut(Content(words), width).plain)


def missing(count: int, *, counted: bool = True) -> Content:
    """How many characters are not shown here: `…+1,204`; `…+1,204+` where there are more."""
    return own(f"{G.ellipsis}+{count:,}{'' if counted else '+'}", FAINT)


def cut(content: Content, width: int, hidden: int = 0, *, counted: bool = True) -> Content:
    """At most `width` cells: what fits beside the number of characters that do not."""
    if not hidden and content.cell_length <= width:
        return content
    whole, kept = content, content
    while True:
        count = len(whole.plain) - len(kept.plain) + hidden
        mark = missing(count, counted=counted)
        room = max(width - mark.cell_length, 0)
        if kept.cell_length <= room:
            return line(kept, mark) if mark.cell_length <= width else own(G.ellipsis[:width], FAINT)
        kept = whole.truncate(room).rstrip()


def ago(seconds: float) -> str:
    """A compact age: `now`, `3m`, `2h`, `5d`, `8w`. It changes once a minute at most."""
    for unit, size in (("w", 604_800 * 2), ("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // (604_800 if unit == 'w' else size))}{unit}"
    return "now"


def _content(part: Part) -> Content:
    if isinstance(part, tuple):
        return text(*part)
    return part if isinstance(part, Content) else text(part)
