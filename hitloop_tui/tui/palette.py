"""The command palette, with which quick clicks end no app."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette
from textual.events import Click


class Palette(CommandPalette):
    """Textual's fails when it is told to go twice, as by two clicks beside it, and when a command
    is clicked that is on the screen, but not on the list any more."""

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield _Commands() if type(widget) is CommandList else widget

    def dismiss(self, result: None = None) -> AwaitComplete:
        return super().dismiss(result) if self.is_current else AwaitComplete()


class _Commands(CommandList):
    def _on_click(self, event: Click) -> None:  # type: ignore[override]  # Textual calls both
        if event.style.meta.get("option", -1) >= self.option_count:
            event.prevent_default()
