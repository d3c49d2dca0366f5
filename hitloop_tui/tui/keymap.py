"""Every key of the console, once: bindings, footer, help screen and palette are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding


class Scope(StrEnum):
    """Where a key works."""

    LIST = "list"
    CARD = "card"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class Key:
    """One thing a person can do."""

    id: str
    keys: str
    """As Textual names them, comma-separated."""
    action: str
    description: str
    """One or two words, for the footer."""
    help: str
    """A sentence, for the help screen and the palette."""
    shown: str = ""
    """As people write the keys, where that differs."""
    scope: Scope = Scope.SCREEN
    footer: int = 0
    """Place in the footer, from 1; 0 is not there."""

    @property
    def display(self) -> str:
        return self.shown or self.keys

    def binding(self) -> Binding:
        return Binding(
            self.keys,
            self.action,
            self.description,
            id=self.id,
            tooltip=self.help,
            key_display=self.display,
            show=self.footer > 0,
        )


SECTIONS: dict[str, tuple[Key, ...]] = {
    "Decide": (
        Key(
            "approve",
            "a",
            "verdict('approve')",
            "approve",
            "Approve the Action on the card.",
            footer=1,
        ),
        Key(
            "reject", "r", "verdict('reject')", "reject", "Reject it; asks for a reason.", footer=2
        ),
        Key(
            "edit",
            "e",
            "verdict('edit')",
            "edit",
            "Edit its arguments, then approve.",
            footer=3,
        ),
        Key("respond", "c", "verdict('respond')", "respond", "Answer in your own words.", footer=4),
        Key(
            "ignore",
            "i",
            "verdict('ignore')",
            "ignore",
            "Ignore it, if the agent allows.",
            footer=5,
        ),
        Key(
            "previous_action",
            "left_square_bracket",
            "step_action(-1)",
            "previous Action",
            "Previous Action of a batch.",
            shown="[",
        ),
        Key(
            "next_action",
            "right_square_bracket",
            "step_action(1)",
            "next Action",
            "Next Action of a batch.",
            shown="]",
        ),
        Key("watch", "w", "watch", "watch", "Tell others you are looking at it."),
    ),
    "After a decision": (
        Key(
            "undo",
            "u",
            "act('undo')",
            "undo",
            "Take back the held or last decision.",
            footer=6,
        ),
        Key(
            "retry",
            "exclamation_mark",
            "act('retry')",
            "retry",
            "Try again what failed; asks first.",
            shown="!",
            footer=1,
        ),
        Key(
            "clear",
            "C",
            "act('clear')",
            "clear",
            "Clear the stored answer; asks first.",
            footer=2,
        ),
        Key("done", "D", "act('done')", "done", "Say that the tool ran; asks first.", footer=3),
        Key(
            "dismiss",
            "x",
            "act('dismiss')",
            "dismiss",
            "Hide a decision not applied.",
            footer=4,
        ),
    ),
    "Several at once": (
        Key("mark", "space", "mark", "mark", "Mark this Review and move down.", footer=7),
        Key(
            "mark_all",
            "asterisk",
            "mark_all",
            "mark all",
            "Mark all shown Reviews, or none.",
            shown="*",
        ),
        Key(
            "approve_marked",
            "A",
            "decide_marked('approve')",
            "approve marked",
            "Approve all marked; asks first.",
        ),
        Key(
            "reject_marked",
            "R",
            "decide_marked('reject')",
            "reject marked",
            "Reject all marked; asks first.",
        ),
    ),
    "Move": (
        Key("down", "j,down", "move(1)", "down", "Next Review.", shown="j ↓", scope=Scope.LIST),
        Key("up", "k,up", "move(-1)", "up", "Previous Review.", shown="k ↑", scope=Scope.LIST),
        Key("first", "g,home", "first", "first", "First Review.", shown="g", scope=Scope.LIST),
        Key("last", "G,end", "last", "last", "Last Review.", shown="G", scope=Scope.LIST),
        Key(
            "half_down",
            "ctrl+d,pagedown",
            "half_page(1)",
            "half page down",
            "Half a page down.",
            shown="ctrl+d",
            scope=Scope.LIST,
        ),
        Key(
            "half_up",
            "ctrl+u,pageup",
            "half_page(-1)",
            "half page up",
            "Half a page up.",
            shown="ctrl+u",
            scope=Scope.LIST,
        ),
        Key(
            "open", "enter,l", "open", "open", "Go to the card.", shown="enter l", scope=Scope.LIST
        ),
        Key(
            "back", "escape,h", "back", "back", "Back to the inbox; clears a filter.", shown="esc h"
        ),
        Key(
            "read_on",
            "space",
            "read_on",
            "read on",
            "On the card: read on, page by page.",
            scope=Scope.CARD,
        ),
        Key("more", "m", "more", "more", "On the card: more of what is long.", scope=Scope.CARD),
        Key("reveal", "v", "reveal", "reveal", "Show or hide masked values."),
        Key("next", "J", "step(1)", "next", "Next Review, from the card."),
        Key("previous", "K", "step(-1)", "previous", "Previous Review, from the card."),
    ),
    "Find": (
        Key(
            "filter",
            "slash",
            "filter",
            "filter",
            "Show only rows with these words.",
            shown="/",
            footer=8,
        ),
        Key("sort", "o", "sort", "sort", "Newest, riskiest or oldest first."),
        Key("copy_id", "y", "copy('id')", "copy id", "Copy the Review's id."),
        Key(
            "copy_args",
            "Y",
            "copy('args')",
            "copy arguments",
            "Copy the Action's arguments as JSON.",
        ),
    ),
    "Trace and panes": (
        Key(
            "trace",
            "T,p",
            "toggle_trace",
            "trace",
            "Show or hide the trace.",
            shown="T",
            footer=9,
        ),
        Key("follow", "t", "follow", "follow", "Follow the trace, or hold it still."),
        Key(
            "trace_thread",
            "f",
            "trace_thread",
            "this thread",
            "Trace this thread only, or all.",
        ),
        Key("inbox_pane", "1", "pane('inbox')", "inbox", "Go to the inbox."),
        Key("card_pane", "2", "pane('card')", "card", "Go to the card."),
        Key("trace_pane", "3", "pane('trace')", "trace", "Go to the trace."),
        Key("zoom", "z", "zoom", "zoom", "Only this pane, and back."),
    ),
    "Console": (
        Key("refresh", "ctrl+r", "refresh", "refresh", "Read the database anew."),
        Key(
            "palette",
            "colon",
            "app.command_palette",
            "commands",
            "Everything by name; also ctrl+p.",
            shown=":",
        ),
        Key("help", "question_mark", "help", "help", "This list.", shown="?", footer=10),
        Key("quit", "q", "app.quit", "quit", "Leave; decisions stay recorded.", footer=11),
    ),
}

KEYS = tuple(key for keys in SECTIONS.values() for key in keys)
DISPLAY = {key.id: key.display for key in KEYS}
FOOTER = tuple(sorted((key for key in KEYS if key.footer), key=lambda key: key.footer))
VERBS = ("approve", "reject", "edit", "respond", "ignore")
"""Keys that decide; each is the name of a verdict, too."""
REPAIRS = ("retry", "clear", "done", "dismiss")
"""Keys for decisions that did not go well; each is the name of an `Act`, too. The footer shows them
in place of the verbs where no verdict can be given."""


def bindings(scope: Scope) -> list[Binding]:
    return [key.binding() for key in KEYS if key.scope is scope]
