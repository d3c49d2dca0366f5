"""Answering in the person's own words, or with JSON where the person says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static, TextArea

from hitloop_tui.attach import shapes
from hitloop_tui.attach.masked import masked_action
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.review import Kind, Review, Verdict
from hitloop_tui.core.strict_json import NotJson, parse_json
from hitloop_tui.errors import InvalidVerdict
from hitloop_tui.tui.content import ACCENT, FAINT, line, own
from hitloop_tui.tui.dialogs.frame import Box, Dialog, Editor, Keys, Notice, Told, about
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.card_sections import question_lines


@dataclass(frozen=True, slots=True)
class Respond:
    """An answer: text, or any JSON value."""

    value: Any


class RespondDialog(Dialog[Respond | None]):
    """The answer, checked against what the question takes; None when cancelled."""

    DEFAULT_CSS = """
    RespondDialog Box {
        Told { max-height: 20vh; margin-bottom: 1; }
        Editor { height: 25vh; margin-bottom: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "send", priority=True, show=False),
        Binding("ctrl+t", "toggle_json", "text or JSON", priority=True, show=False),
    ]

    as_json: reactive[bool] = reactive(False, init=False)
    """Whether the answer is read as JSON."""

    editor = getters.query_one(Editor)
    notice = getters.query_one(Notice)

    def __init__(self, review: Review, index: int = 0, masks: Masks = MASKS) -> None:
        super().__init__()
        self._review = review
        self._index = index
        self._masks = masks
        self.set_reactive(RespondDialog.as_json, _wants_json(review))

    def compose(self) -> ComposeResult:
        action = self._review.actions[self._index]
        with Box(about("Answer", action.tool_name)):
            yield Told(question_lines(masked_action(self._masks, action)))
            yield Static(self._mode(), id="mode")
            yield Editor()
            yield Notice()
            yield Keys(("ctrl+s", "send"), ("ctrl+t", "text or JSON"), ("esc", "cancel"))

    def begin(self) -> None:
        self.editor.focus()
        self._check()

    def watch_as_json(self) -> None:
        self.query_one("#mode", Static).update(self._mode())
        self._check()

    def action_toggle_json(self) -> None:
        self.as_json = not self.as_json

    def action_send(self) -> None:
        answer = self._check()
        if answer is not None:
            self.dismiss(answer)

    @on(TextArea.Changed)
    def _check(self) -> Respond | None:
        """Say what is wrong with the answer; the answer when nothing is."""
        try:
            answer = self._answer()
            shapes.check(self._review, self._index, Verdict(Kind.RESPOND, value=answer.value))
        except (NotJson, InvalidVerdict) as error:
            self.notice.problem(str(error))
            return None
        self.notice.good(
            "this JSON value is the answer" if self.as_json else "this text is the answer"
        )
        return answer

    def _answer(self) -> Respond:
        text = self.editor.text
        if not text.strip():
            raise NotJson("write an answer")
        return Respond(parse_json(text) if self.as_json else text)

    def _mode(self) -> Content:
        text, json = (FAINT, ACCENT) if self.as_json else (ACCENT, FAINT)
        on_text, on_json = ("  ", f"{G.bullet} ") if self.as_json else (f"{G.bullet} ", "  ")
        return line(own(f"{on_text}text", text), own(f"   {on_json}JSON", json))


def _wants_json(review: Review) -> bool:
    """A published schema of anything but text can only be met with JSON."""
    schema = review.question.response_schema
    return schema is not None and schema.get("type") != "string"
