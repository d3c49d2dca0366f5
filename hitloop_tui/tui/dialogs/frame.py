"""What all dialogs have in common: a titled box, its keys inside, esc to leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import BAD, FAINT, GOOD, KEY, MUTED, STRONG, WARN, line, own
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.card_sections import DOUBTED
from hitloop_tui.tui.widgets.rows import Line, Part
from hitloop_tui.tui.widgets.rows_view import LinesView
from hitloop_tui.tui.widgets.values import named, quoted

T = TypeVar("T")

TITLE_CELLS = 40
"""Cells of a tool's name in a title."""
MAX_PROBLEM = 240
"""Cells of what is wrong."""
FAULT: Part = (Safe(f"{G.bar} "), BAD)
"""Stands before every row that says what is wrong, which may quote the agent."""


class Dialog(ModalScreen[T]):
    """Base of the dialogs."""

    AUTO_FOCUS = "*"

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 70%;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", priority=True, show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._over = False

    def on_mount(self) -> None:
        if not self._over:  # left by a quick esc, which takes its widgets away
            self.begin()

    def begin(self) -> None:
        """All widgets are there."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Once only: a second enter may come before the dialog has gone."""
        if self._over:
            return AwaitComplete()
        self._over = True
        return super().dismiss(result)

    def action_cancel(self) -> None:
        self.dismiss(None)

    def tell(self, news: Safe) -> None:
        """Say what became of the Review that the dialog is about, at its top."""
        told = Line(((news, WARN),), (DOUBTED,), ((Safe(f"{G.warning} "), WARN),))
        for shown in self.query(News):
            shown.show_lines([told])
            return
        for box in self.query(Box):
            box.mount(News([told]), before=0)


class Box(Vertical):
    """The frame of a dialog."""

    DEFAULT_CSS = """
    Box {
        width: 90%;
        max-width: 96;
        height: auto;
        max-height: 90%;
        padding: 1 2;
        background: $surface;
        border: round $border-blurred;
        border-title-color: $text;
        border-subtitle-color: $text-muted;
    }
    """

    def __init__(self, title: Content, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self.border_title = title


class Keys(Static):
    """Which keys do what."""

    DEFAULT_CSS = """
    Keys {
        height: auto;
        margin-top: 1;
    }
    """

    def __init__(self, *keys: tuple[str, str]) -> None:
        super().__init__(keys_content(keys))

    def show(self, *keys: tuple[str, str]) -> None:
        self.update(keys_content(keys))


class Told(LinesView):
    """Lines of a dialog; they begin where its other texts begin."""

    margin_cells = 0

    DEFAULT_CSS = """
    Told {
        height: auto;
        background: $surface;
    }
    """


class News(Told, can_focus=False):
    """What happened while the dialog was open."""

    DEFAULT_CSS = "News { margin-bottom: 1; }"


class Notice(Told, can_focus=False):
    """One sentence about what was typed: a problem, or that all is well."""

    DEFAULT_CSS = "Notice { max-height: 4; }"

    def problem(self, words: str) -> None:
        """`words` may quote what was typed, or an agent."""
        told = quoted(words, MAX_PROBLEM, BAD)
        self.show_lines([Line(told, (FAULT,), ((Safe(f"{G.failed} "), BAD),))])

    def good(self, words: str) -> None:
        self.show_lines([Line(((Safe(f"{G.mark} "), GOOD), (Safe(words), MUTED)))])

    def plain(self, words: str) -> None:
        self.show_lines([Line(((Safe(words), MUTED),))])


class Editor(TextArea):
    """A text area that neither blinks nor swallows the dialog's keys."""

    DEFAULT_CSS = """
    Editor {
        border: none;
        padding: 0 1;
        background: $background;
        scrollbar-size-vertical: 1;
        &:focus { border: none; }
        & .text-area--cursor-line { background: $background; }
        & .text-area--gutter { color: $faint-colour; }
        & .text-area--cursor-gutter { color: $muted-colour; background: $background; }
    }
    """

    def __init__(self, words: str = "", *, numbers: bool = False) -> None:
        super().__init__(words, show_line_numbers=numbers, highlight_cursor_line=False)
        self.cursor_blink = False


def about(words: str, tool_name: str) -> Content:
    """A title: what is done with which tool."""
    return line(own(f"{words} ", STRONG), *named(tool_name, TITLE_CELLS, STRONG))


def keys_content(keys: Sequence[tuple[str, str]]) -> Content:
    parts: list[Content] = []
    for key, words in keys:
        if parts:
            parts.append(own(f"  {G.dot}  ", FAINT))
        parts += [own(key, KEY), own(f" {words}", MUTED)]
    return line(*parts)
