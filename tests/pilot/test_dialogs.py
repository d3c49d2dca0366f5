"""Dialogs, driven by keys."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from hitloop_tui.attach.review import Kind, ReviewAction
from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import own
from hitloop_tui.tui.dialogs import (
    ConfirmDialog,
    EditDialog,
    ReasonDialog,
    Respond,
    RespondDialog,
)
from hitloop_tui.tui.dialogs import edit as edit_module
from hitloop_tui.tui.dialogs.json_diff import changed_fields, diff_lines
from hitloop_tui.tui.dialogs.json_text import NotJson, editable, inert_json, parse_json
from hitloop_tui.tui.widgets.rows import Line, render_text
from tests.pilot.bare import Bare, screen_text
from tests.samples import HOSTILE, action, review

NARROW = (80, 24)
ARGS: dict[str, Any] = {
    "to": "anna",
    "amount": 1240.0,
    "count": 3,
    "urgent": False,
    "note": None,
    "tags": ["a", "b"],
    "body": "one\ntwo\nthree",
}


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_module, "GRACE_S", 0)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def typed(value: Any) -> Any:
    """The value with its types, so that 1, 1.0 and True differ."""
    match value:
        case dict():
            return {key: typed(item) for key, item in value.items()}
        case list():
            return [typed(item) for item in value]
    return (type(value), value)


@given(JSON)
def test_json_reads_back_as_the_same_value_with_the_same_types(value: Any) -> None:
    for indent in (2, None):
        assert typed(parse_json(inert_json(value, indent=indent))) == typed(value)


@given(st.text())
def test_json_is_inert(text: str) -> None:
    shown = inert_json(text)
    assert all(
        unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")
        for char in shown
    )


def test_letters_stay_readable_and_hidden_characters_do_not() -> None:
    assert inert_json("Größe 漢 \u202e") == '"Größe 漢 \\u202e"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1', "line 1, column 8"),
        ('{\n "a": }', "line 2, column 7"),
        ('{"a": 1, "a": 2}', "a: given twice"),
        ('{"a": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "digits"),
        ("", "line 1, column 1"),
    ],
)
def test_what_is_wrong_with_a_text_is_said(text: str, words: str) -> None:
    with pytest.raises(NotJson, match=words):
        parse_json(text)


@pytest.mark.parametrize("args", [{"a": b"bytes"}, {1: "x"}, {"a": float("nan")}])
def test_what_json_cannot_express_is_not_edited(args: dict[Any, Any]) -> None:
    with pytest.raises(NotJson, match="cannot express"):
        editable(args)


def diff(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return render_text(diff_lines(old, new), 76)


def test_the_diff_is_by_field() -> None:
    assert diff(ARGS, {**ARGS, "amount": 12.4, "tags": ["a", "c"]}) == [
        '  to: "anna"',
        "- amount: 1240.0",
        "+ amount: 12.4",
        "  count: 3",
        "  urgent: false",
        "  note: null",
        "  tags:",
        '    "a"',
        '-   "b"',
        '+   "c"',
        '  body: "one\\ntwo\\nthree"',
    ]


def test_the_diff_of_a_text_is_by_line() -> None:
    old = {"body": "one\n" + "same\n" * 9 + "two"}
    assert diff(old, {"body": "one\n" + "same\n" * 9 + "2\n"}) == [
        "  body:",
        "    one⏎",
        "    same⏎",
        "    … 6 unchanged lines",
        "    same⏎",
        "    same⏎",
        "-   two",
        "+   2⏎",
    ]


def test_numbers_of_another_type_differ() -> None:
    assert changed_fields({"a": 1, "b": [1]}, {"a": 1.0, "b": [True]}) == ["a", "b"]
    assert diff({"a": {"x": 1}}, {"a": {"x": 1.0}}) == ["  a:", "-   x: 1", "+   x: 1.0"]


OBJECT = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@settings(max_examples=50)
@given(OBJECT, OBJECT)
def test_any_two_objects_can_be_compared(old: dict[str, Any], new: dict[str, Any]) -> None:
    signs = [row[:1] for row in diff(old, new)]
    assert ("-" in signs or "+" in signs) == bool(changed_fields(old, new))


async def typing(pilot: Pilot[Any], text: str) -> None:
    """Put text into the editor of the open dialog, as a paste does."""
    pilot.app.screen.query_one("Editor").text = text  # type: ignore[attr-defined]
    await pilot.pause()


async def opened(pilot: Pilot[Any], dialog: Any) -> Bare:
    app = pilot.app
    assert isinstance(app, Bare)
    app.open(dialog)
    await pilot.pause()
    return app


async def test_an_edit_keeps_types_and_is_confirmed_on_a_diff() -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, EditDialog(action(ARGS)))
        await typing(pilot, inert_json({**ARGS, "amount": 12.5, "count": 4}))
        assert "2 arguments changed" in screen_text(app)
        await pilot.press("ctrl+s")
        text = screen_text(app)
        assert "- amount: 1240.0" in text
        assert "+ amount: 12.5" in text
        await pilot.press("enter")
        assert typed(app.answers[0]) == typed({**ARGS, "amount": 12.5, "count": 4})


async def test_keys_typed_into_the_editor_are_text() -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, EditDialog(action({"n": 1})))
        await pilot.press("down", "end", "0", "a", "q", "backspace", "backspace")
        await pilot.press("ctrl+s", "ctrl+s")
        assert app.answers == [{"n": 10}]


async def test_an_integer_for_a_float_becomes_a_float() -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, EditDialog(action({"amount": 1.5})))
        await typing(pilot, '{"amount": 12}')
        await pilot.press("ctrl+s", "ctrl+s")
        assert typed(app.answers) == [{"amount": (float, 12.0)}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"to": 1}', "to: was str, is int now"),
        ('{"to": "a", "extra": 1}', "extra"),
        ("{}", "to: missing"),
        ("[1]", "one JSON object"),
        ('{"to": }', "line 1, column 8"),
        ('{"to": "anna"}', "nothing is changed, so there is nothing to send"),
    ],
)
async def test_a_wrong_edit_is_explained_in_place_and_not_sent(text: str, words: str) -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, EditDialog(action({"to": "anna"})))
        await typing(pilot, text)
        await pilot.press("ctrl+s", "ctrl+s")
        assert words in " ".join(screen_text(app).split())
        assert app.answers == []
        await pilot.press("escape")
        assert app.answers == [None]


async def test_a_schema_is_honoured() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"enum": [1, 2]}},
        "required": ["n"],
        "additionalProperties": False,
    }
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, EditDialog(action({"n": 1}, args_schema=schema)))
        await typing(pilot, '{"n": 3}')
        assert "n: 3 is not one of [1, 2]" in screen_text(app)
        await typing(pilot, '{"n": 2}')
        await pilot.press("ctrl+s", "ctrl+s")
        assert app.answers == [{"n": 2}]


async def test_escape_goes_back_from_the_diff_and_then_leaves() -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, EditDialog(action({"n": 1})))
        await typing(pilot, '{"n": 2}')
        await pilot.press("ctrl+s", "escape")
        assert '{"n": 2}' in screen_text(app)
        assert app.answers == []
        await pilot.press("escape")
        assert app.answers == [None]


async def test_a_key_held_down_does_not_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_module, "GRACE_S", 60)
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, EditDialog(action({"n": 1})))
        await typing(pilot, '{"n": 2}')
        await pilot.press("ctrl+s", "ctrl+s", "enter")
        assert app.answers == []


async def test_hostile_arguments_are_inert_in_the_editor_and_unchanged_after() -> None:
    args = {f"{n}{text}": text for n, text in enumerate(HOSTILE)} | {"n": 1}
    async with Bare().run_test(size=(120, 40), notifications=True) as pilot:
        app = await opened(pilot, EditDialog(action(args, tool_name="[/x]\x1b[2J")))
        text = screen_text(app)
        assert "[@click=app.quit]show details[/]" in text
        assert "[/x]\\x1b[2J" in text
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\u200b", "\u2060", "\x9b"}
        await typing(pilot, json.dumps({**args, "n": 2}))
        await pilot.press("ctrl+s")
        assert not set(screen_text(app)) & {"\x1b", "\x07", "\u202e", "\u200b", "\x9b"}
        await pilot.press("ctrl+s")
        assert app.answers == [{**args, "n": 2}]


@pytest.mark.parametrize("args", [{"a": b"x"}, {"a": "x" * 70_000}])
async def test_what_cannot_be_edited_says_so(args: dict[str, Any]) -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, EditDialog(action(args)))
        assert "these arguments" in screen_text(app)
        await pilot.press("x", "ctrl+s", "enter", "escape")
        assert app.answers == [None]


@pytest.mark.parametrize(
    ("keys", "answer"),
    [(["enter"], ""), (["n", "o", "enter"], "no"), (["n", "escape"], None)],
)
async def test_a_reason(keys: list[str], answer: str | None) -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, ReasonDialog(own("Reject [/x]"), "Why? Enter skips."))
        assert "Reject [/x]" in screen_text(app)
        await pilot.press(*keys)
        assert app.answers == [answer]


def question(**other: Any) -> ReviewAction:
    return ReviewAction("question", {"question": "Why [/x]?"}, allowed=(Kind.RESPOND,), **other)


async def test_an_answer_in_words_may_have_several_lines() -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, RespondDialog(review(question())))
        assert "Why [/x]?" in screen_text(app)
        await pilot.press("ctrl+s")
        assert "write an answer" in screen_text(app)
        await pilot.press("1", "enter", "2", "ctrl+s")
        assert app.answers == [Respond("1\n2")]


async def test_json_is_an_answer_only_when_asked_for() -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, RespondDialog(review(question())))
        await typing(pilot, "[1, 2.0, ]")
        await pilot.press("ctrl+t", "ctrl+s")
        assert "line 1, column" in screen_text(app)
        assert app.answers == []
        await typing(pilot, "[1, 2.0]")
        await pilot.press("ctrl+s")
        assert typed(app.answers[0].value) == [(int, 1), (float, 2.0)]


async def test_a_schema_asks_for_json_and_is_honoured() -> None:
    asked = review(question(), shape="response_schema", schema={"type": "integer"})
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, RespondDialog(asked))
        await typing(pilot, '"seven"')
        await pilot.press("ctrl+s")
        assert "is not of type 'integer'" in screen_text(app)
        await typing(pilot, "7")
        await pilot.press("ctrl+s")
        assert app.answers == [Respond(7)]


def said(words: str) -> Line:
    return Line(((Safe(words), ""),))


@pytest.mark.parametrize(
    ("danger", "key", "answers"),
    [
        (False, "enter", [True]),
        (False, "escape", [False]),
        (True, "enter", []),
        (True, "y", []),
        (True, "space", []),
        (True, "Y", [True]),
        (True, "escape", [False]),
    ],
)
async def test_confirming(danger: bool, key: str, answers: list[bool]) -> None:
    lines = [said("3 Actions"), said("[@click=app.quit]HIGH[/]")]
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, ConfirmDialog(own("Approve 3?"), lines, danger=danger))
        assert "[@click=app.quit]HIGH[/]" in screen_text(app)
        await pilot.press(key)
        assert app.answers == answers


async def test_every_dialog_fits_a_small_terminal() -> None:
    long = [said(f"line {n}") for n in range(100)]
    dialogs = [
        EditDialog(action(ARGS)),
        ReasonDialog(own("t"), "Why?"),
        RespondDialog(review(action({"q": "word " * 500}))),
        ConfirmDialog(own("t"), long, danger=True),
    ]
    for dialog in dialogs:
        async with Bare().run_test(size=NARROW) as pilot:
            app = await opened(pilot, dialog)
            text = screen_text(app)
            assert "╭" in text
            assert "╰" in text
            assert "esc" in text
