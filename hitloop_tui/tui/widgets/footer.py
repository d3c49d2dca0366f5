"""The last line: the keys that matter, dimmed where they do nothing now."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from hitloop_tui.tui.content import FAINT, KEY, MUTED, line, own
from hitloop_tui.tui.keymap import FOOTER, REPAIRS, VERBS, Key

ALWAYS = ("help", "quit")
"""Keys that stay when the line is too short for all."""
GAP = 2


class FooterLine(Widget):
    """Keys from the table of keys; a click does what the key does."""

    DEFAULT_CSS = "FooterLine { height: 1; padding: 0 1; }"

    off: reactive[frozenset[str]] = reactive(frozenset())
    """Ids of keys that the Review on the card does not allow."""
    decided: reactive[bool] = reactive(False)
    """Whether that Review takes no verdict: then other keys have the first places."""

    def render(self) -> Content:
        return line(*(self._drawn(key) for key in self._fitting())).simplify()

    def on_click(self, event: events.Click) -> None:
        x = event.x - 1
        for key in self._fitting():
            width = _width(key)
            if 0 <= x < width:
                self.app.simulate_key(key.keys.split(",")[0])
                return
            x -= width + GAP

    def _drawn(self, key: Key) -> Content:
        if key.id in self.off:
            return own(f"{key.display} {key.description}{' ' * GAP}", FAINT)
        return line(own(f"{key.display} ", KEY), own(f"{key.description}{' ' * GAP}", MUTED))

    def _fitting(self) -> list[Key]:
        """As many keys as fit; the last ones are never left out."""
        elsewhere = VERBS if self.decided else REPAIRS
        keys = [key for key in FOOTER if key.id not in elsewhere]
        while sum(_width(key) + GAP for key in keys) - GAP > self.size.width and len(keys) > 2:
            keys.pop(-len(ALWAYS) - 1)
        return keys


def _width(key: Key) -> int:
    return len(key.display) + 1 + len(key.description)
