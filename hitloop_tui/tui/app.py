"""The console as a Textual app."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.console import RenderableType
from textual import events
from textual.app import App, SystemCommand
from textual.filter import LineFilter, Monochrome, NoColor
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender

from hitloop_tui.attach import spawn
from hitloop_tui.errors import HitloopError
from hitloop_tui.safetext import safe
from hitloop_tui.tui import theme
from hitloop_tui.tui.content import BAD, text
from hitloop_tui.tui.glyphs import ascii_only
from hitloop_tui.tui.keymap import KEYS, Scope
from hitloop_tui.tui.no_controls import Harmless, NoControls
from hitloop_tui.tui.palette import Palette
from hitloop_tui.tui.screens.main import MainScreen
from hitloop_tui.tui.setup import Setup
from hitloop_tui.tui.terminal import ConsoleDriver, leave_on_signals
from hitloop_tui.tui.typed_ahead import TypedAhead

WORKER_AFTER_S = 0.4
"""A worker imports LangGraph for seconds: the first card comes before it."""


class WholeCells(ScrollBarRender):
    """A scrollbar without block characters, for terminals that know ASCII only."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]


class ConsoleApp(App[None]):
    """Themes, the last door for text, signals, and the palette."""

    TITLE = "hitloop"
    CSS_PATH = "screens/main.tcss"

    def __init__(self, setup: Setup) -> None:
        super().__init__(driver_class=ConsoleDriver)
        self.setup = setup
        self.main = MainScreen(setup)
        self._no_controls = NoControls()  # one: Textual remembers what a filter made of a line
        self.typed_ahead = TypedAhead(self, super().on_event, lambda: self.main.opening)
        for own in theme.THEMES:
            self.register_theme(own)
        self.set_reactive(App.theme, "textual-dark")  # TEXTUAL_THEME may name one of ours
        self.theme = theme.first_theme(self.available_themes)

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def on_mount(self) -> None:
        self.set_class(ascii_only(), "-ascii")
        ScrollBar.renderer = WholeCells if ascii_only() else ScrollBarRender
        if not self.is_headless:
            leave_on_signals(self.exit)
        if self.setup.has_graphs and not self.setup.read_only:
            self.set_timer(WORKER_AFTER_S, self._start_worker)

    def on_ready(self) -> None:
        """What was imported stays: full collections, some 50 ms every other second, skip it."""
        gc.freeze()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self.typed_ahead.take(event)
        else:
            await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        self.main.key_waited = time.monotonic() - event.time

    def exit(
        self, result: None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """From here on panes go one by one: nothing that is read may reach them any more."""
        self.main.reader.mute()
        super().exit(result, return_code, message)

    def on_unmount(self) -> None:
        self.main.reader.stop()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """With NO_COLOR Textual picks a filter before it knows the theme, and the wrong one draws
        the terminal's own colours as black on black."""
        found = super().get_line_filters()
        plain = [NoColor() if isinstance(each, Monochrome) else each for each in found]
        return [*plain, self._no_controls]

    def _print_error_renderables(self) -> None:
        self._exit_renderables = [Harmless(each) for each in self._exit_renderables]
        super()._print_error_renderables()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variable_defaults(self.current_theme)

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        if screen is self.main:
            for key in KEYS:
                if key.scope is Scope.SCREEN:
                    yield SystemCommand(
                        f"{key.description.capitalize()} ({key.display})",
                        key.help,
                        lambda action=key.action: screen.run_action(action),
                    )

    def _start_worker(self) -> None:
        self.run_worker(self._ensure_worker, thread=True)

    def _ensure_worker(self) -> None:
        setup = self.setup
        try:
            spawn.ensure_worker(setup.db, setup.ledger, setup.graphs, setup.config)
        except (HitloopError, OSError) as error:
            why = safe(f"no worker could be started: {error}")
            self.call_from_thread(self.main.flash, text(why, BAD))
