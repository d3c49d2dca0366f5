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
from hitloop_tui.tui.content import BAD, FAINT, GOOD, KEY, MUTED, STRONG, WARN, line, own, text
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.rows_view import LinesView

T = TypeVar("T")


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
        told: Content = line(own(f"{G.warning} ", WARN), text(news, WARN))
        for shown in self.query(News):
            shown.update(told)
            return
        for box in self.query(Box):
            box.mount(News(told), before=0)


class News(Static):
    """What happened while the dialog was open."""

    DEFAULT_CSS = "News { height: auto; margin-bottom: 1; }"


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

    def __init__(self, title: Safe, *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self.border_title = text(title, STRONG)


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


class Notice(Static):
    """One sentence about what was typed: a problem, or that all is well."""

    DEFAULT_CSS = """
    Notice {
        height: auto;
        max-height: 4;
    }
    """

    def problem(self, words: Safe) -> None:
        self.update(line(own(f"{G.failed} ", BAD), text(words, BAD)))

    def good(self, words: str) -> None:
        self.update(line(own(f"{G.mark} ", GOOD), own(words, MUTED)))

    def plain(self, words: str) -> None:
        self.update(own(words, MUTED))


class Told(LinesView):
    """Lines of a dialog; they begin where its other texts begin."""

    margin_cells = 0

    DEFAULT_CSS = """
    Told {
        height: auto;
        background: $surface;
    }
    """


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


def keys_content(keys: Sequence[tuple[str, str]]) -> Content:
    parts: list[Content] = []
    for key, words in keys:
        if parts:
            parts.append(own(f"  {G.dot}  ", FAINT))
        parts += [own(key, KEY), own(f" {words}", MUTED)]
    return line(*parts)
