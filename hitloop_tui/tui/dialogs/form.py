"""Answering by filling in a form, one field for each value the question's schema asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget as TextualWidget
from textual.widgets import Checkbox, Input, RadioButton, RadioSet, SelectionList, Static
from textual.widgets.selection_list import Selection

from hitloop_tui.attach import shapes
from hitloop_tui.attach.form import MISSING, Field, Widget, answer_of
from hitloop_tui.attach.masked import masked_action
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.review import Kind, Review, Verdict
from hitloop_tui.errors import InvalidVerdict
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui.content import FAINT, MUTED, STRONG, line, own
from hitloop_tui.tui.dialogs.frame import Box, Dialog, Keys, Notice, Told, about
from hitloop_tui.tui.dialogs.respond import Respond
from hitloop_tui.tui.widgets.card_sections import question_lines
from hitloop_tui.tui.widgets.rows import Line
from hitloop_tui.tui.widgets.values import QUOTED, Budget, marked, quoted, text_lines

OPTION_CELLS = 48
"""Cells of an option beside its button; Textual cuts longer ones without a word."""


class FormDialog(Dialog[Respond | str | None]):
    """The answer, checked against the schema; None when cancelled, `AS_JSON` to type it instead."""

    AS_JSON = "as JSON"
    AUTO_FOCUS = ""

    DEFAULT_CSS = """
    FormDialog Box {
        Told { max-height: 12vh; margin-bottom: 1; }
        VerticalScroll {
            height: auto;
            max-height: 38vh;
            margin-bottom: 1;
            scrollbar-size-vertical: 1;
        }
        Notice { max-height: 2; }
        Entry { height: auto; margin-bottom: 1; }
        RadioSet, SelectionList { border: none; padding: 0; height: auto; background: $surface; }
        SelectionList { max-height: 12; }
        ToggleButton > .toggle--button { color: $panel; background: $panel; }
        ToggleButton.-on > .toggle--button { color: $text-success; background: $panel; }
        SelectionList > .selection-list--button,
        SelectionList > .selection-list--button-highlighted { color: $panel; background: $panel; }
        SelectionList > .selection-list--button-selected,
        SelectionList > .selection-list--button-selected-highlighted {
            color: $text-success;
            background: $panel;
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "send", priority=True, show=False),
        Binding("ctrl+t", "type_json", "type JSON", priority=True, show=False),
    ]

    notice = getters.query_one(Notice)

    def __init__(
        self, review: Review, index: int, fields: Sequence[Field], masks: Masks = MASKS
    ) -> None:
        super().__init__()
        self._review = review
        self._index = index
        self._masks = masks
        self._fields = fields

    def compose(self) -> ComposeResult:
        action = self._review.actions[self._index]
        with Box(about("Answer", action.tool_name)):
            yield Told(question_lines(masked_action(self._masks, action)))
            with VerticalScroll(can_focus=False):
                for field in self._fields:
                    yield Entry(field)
            yield Notice()
            yield Keys(
                ("ctrl+s", "send"), ("tab", "next"), ("ctrl+t", "type JSON"), ("esc", "cancel")
            )

    def begin(self) -> None:
        self.query(Entry).first().first_input.focus()
        self._check()

    def action_type_json(self) -> None:
        self.dismiss(self.AS_JSON)

    def action_send(self) -> None:
        answer = self._check()
        if answer is not None:
            self.dismiss(answer)

    @on(Input.Changed)
    @on(Checkbox.Changed)
    @on(RadioSet.Changed)
    @on(SelectionList.SelectedChanged)
    def _check(self) -> Respond | None:
        """Say what is wrong with the answer; the answer when nothing is."""
        try:
            value = answer_of(self._fields, [entry.entered for entry in self.query(Entry)])
            shapes.check(self._review, self._index, Verdict(Kind.RESPOND, value=value))
        except InvalidVerdict as error:
            self.notice.problem(str(error))
            return None
        self.notice.plain("this can be sent")
        return Respond(value)

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()


class Entry(TextualWidget):
    """One field: its name, what is said about it, and where the value goes."""

    DEFAULT_CSS = """
    Entry { layout: vertical; }
    """

    def __init__(self, field: Field) -> None:
        super().__init__()
        self._field = field

    def compose(self) -> ComposeResult:
        field = self._field
        needed = Safe(" *" if field.required else "  optional"), FAINT
        title = Line((*marked(field.title, STRONG), needed), (QUOTED,))
        said = [title] if field.title else []
        said += text_lines(field.help, (QUOTED,), Budget(), MUTED)
        said += self._cut_options()
        if said:
            yield Words(said)
        yield from self._widgets()

    def _cut_options(self) -> Iterator[Line]:
        """Options of which a button says the start only, in full."""
        for number, one in enumerate(self._field.options, 1):
            words = _words(one)
            if cell_len(safe(words)) > OPTION_CELLS:
                lead = ((Safe(f"{number}. "), MUTED),)
                yield Line(marked(words), (QUOTED,), lead)

    def _widgets(self) -> Iterator[TextualWidget]:
        field, default = self._field, self._field.default
        match field.widget:
            case Widget.SWITCH:
                yield Checkbox("yes", value=default is True, compact=True)
            case Widget.ONE:
                yield RadioSet(
                    *(
                        RadioButton(_label(number, one), value=one == default, compact=True)
                        for number, one in enumerate(field.options, 1)
                    ),
                    compact=True,
                )
                if field.free:
                    yield Static(own("or in your own words", MUTED))
                    yield self._input("")
            case Widget.MANY:
                chosen = default if isinstance(default, list) else []
                yield SelectionList(
                    *(
                        Selection(_label(place + 1, one), place, one in chosen)
                        for place, one in enumerate(field.options)
                    ),
                    compact=True,
                )
            case Widget.JSON:
                yield self._input("" if default is MISSING else json.dumps(default))
            case _:
                yield self._input("" if default is MISSING or default is None else str(default))

    def _input(self, value: str) -> Input:
        """A default that would not be seen as it is, is not put in."""
        entry = Input(value if safe(value) == value else "", compact=True)
        entry.cursor_blink = False
        return entry

    @property
    def first_input(self) -> TextualWidget:
        return next(child for child in self.query("*") if child.focusable)

    @property
    def entered(self) -> Any:
        match self._field.widget:
            case Widget.SWITCH:
                return self.query_one(Checkbox).value
            case Widget.ONE:
                typed = self.query_one(Input).value if self._field.free else ""
                place = self.query_one(RadioSet).pressed_index
                chosen = self._field.options[place] if place >= 0 else MISSING
                return typed or chosen
            case Widget.MANY:
                places = sorted(self.query_one(SelectionList).selected)
                return [self._field.options[place] for place in places]
        return self.query_one(Input).value


class Words(Told, can_focus=False):
    """What the schema says about a field: somebody else's words."""


def _label(number: int, value: Any) -> Content:
    return line(own(f"{number}. ", MUTED), *quoted(_words(value), OPTION_CELLS))


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
