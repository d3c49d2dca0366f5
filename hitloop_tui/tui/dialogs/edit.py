"""Editing the arguments of a call: JSON checked while it is typed, then old against new."""

from __future__ import annotations

from time import monotonic
from typing import Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from hitloop_tui.attach.masks import MASKS, Masks, without
from hitloop_tui.attach.review import ReviewAction
from hitloop_tui.attach.shapes import check_args
from hitloop_tui.core.strict_json import NotJson, parse_json
from hitloop_tui.errors import InvalidVerdict
from hitloop_tui.tui.dialogs.frame import Box, Dialog, Editor, Keys, Notice, about
from hitloop_tui.tui.dialogs.json_diff import changed_fields, diff_lines
from hitloop_tui.tui.dialogs.json_text import editable
from hitloop_tui.tui.widgets.rows_view import LinesView
from hitloop_tui.tui.widgets.values import counted

GRACE_S = 0.4
"""A key held down on the editor must not send what nobody has looked at."""

_EDITING = (("ctrl+s", "compare old and new"), ("esc", "cancel"))
_COMPARING = (("enter", "send"), ("j k", "scroll"), ("esc", "back to the editor"))
_CANNOT = (("esc", "close"),)


def edited(action: ReviewAction, text: str, masks: Masks = MASKS) -> dict[str, Any]:
    """The arguments that a text stands for, with the types they had, and with the values behind
    the masks that were left in it.

    Raises NotJson or InvalidVerdict, each with a sentence for the person.
    """
    value = parse_json(text)
    if not isinstance(value, dict):
        raise NotJson("the arguments must be one JSON object: { ... }")
    try:
        return check_args(action, masks.restored(value, action.tool_args))
    except RecursionError:
        raise NotJson("nested too deeply") from None


class EditDialog(Dialog[dict[str, Any] | None]):
    """The new arguments, confirmed; None when cancelled."""

    DEFAULT_CSS = """
    EditDialog Box {
        height: 90%;
        max-width: 110;
        Editor { height: 1fr; margin-bottom: 1; }
        #diff { height: 1fr; background: $background; margin-bottom: 1; padding: 0; }
        .-hidden { display: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "next", "compare or send", priority=True, show=False),
        Binding("enter", "send", "send", show=False),
    ]

    editor = getters.query_one(Editor)
    diff = getters.query_one("#diff", LinesView)
    notice = getters.query_one(Notice)
    keys = getters.query_one(Keys)

    def __init__(self, action: ReviewAction, masks: Masks = MASKS) -> None:
        super().__init__()
        self._action = action
        self._masks = masks
        self._compared: dict[str, Any] | None = None
        """The arguments on the second step; None on the first."""
        self._since = 0.0
        try:
            self._text, self._refusal = editable(masks.over(action.tool_args).value), ""
        except NotJson as error:
            self._text, self._refusal = "", str(error)

    def compose(self) -> ComposeResult:
        with Box(about("Edit", self._action.tool_name)):
            yield Editor(self._text, numbers=True)
            yield LinesView(id="diff", classes="-hidden")
            yield Notice()
            yield Keys(*(_CANNOT if self._refusal else _EDITING))

    def begin(self) -> None:
        if self._refusal:
            self.editor.disabled = True
            self.notice.problem(self._refusal)
        else:
            self._check()

    @on(TextArea.Changed)
    def _check(self) -> dict[str, Any] | None:
        """Say what is wrong with the text; its arguments when nothing is."""
        if self._refusal:
            return None
        try:
            args = edited(self._action, self.editor.text, self._masks)
        except (NotJson, InvalidVerdict) as error:  # it may quote a value
            words = without(self._masks.over(self._action.tool_args).hidden.values())
            self.notice.problem(words(str(error)))
            return None
        changed = changed_fields(self._action.tool_args, args)
        if changed:
            self.notice.good(f"valid, {counted(len(changed), 'argument')} changed")
        else:
            self.notice.plain("nothing is changed yet")
        return args

    def action_next(self) -> None:
        if self._compared is not None:
            self.action_send()
            return
        args = self._check()
        if args is None:
            return
        if not changed_fields(self._action.tool_args, args):
            self.notice.problem("nothing is changed, so there is nothing to send")
            return
        self._compare(args)

    def action_send(self) -> None:
        if self._compared is not None and monotonic() - self._since >= GRACE_S:
            self.dismiss(self._compared)

    def action_cancel(self) -> None:
        if self._compared is None:
            self.dismiss(None)
            return
        self._compared = None
        self._show(editing=True)
        self.keys.show(*_EDITING)
        self.editor.focus()
        self._check()

    def _compare(self, args: dict[str, Any]) -> None:
        self._compared, self._since = args, monotonic()
        old = self._masks.over(self._action.tool_args)
        new = old.kept(parse_json(self.editor.text), args)
        self.diff.show_lines(diff_lines(old.value, new))
        self._show(editing=False)
        changed = len(changed_fields(self._action.tool_args, args))
        self.notice.plain(f"{counted(changed, 'argument')} changed: this is what will run instead")
        self.keys.show(*_COMPARING)
        self.diff.focus()

    def _show(self, *, editing: bool) -> None:
        self.editor.set_class(not editing, "-hidden")
        self.diff.set_class(editing, "-hidden")
