"""The text of a card: all of it, aligned, and inert."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from hitloop_tui.attach.review import Kind, ReviewAction, State, Verdict
from hitloop_tui.attach.source import Message
from hitloop_tui.safetext import Safe, safe, unescape
from hitloop_tui.tui.widgets.arguments import Arguments, arguments_table
from hitloop_tui.tui.widgets.card_sections import card_text
from hitloop_tui.tui.widgets.card_status import Viewer, status_lines
from hitloop_tui.tui.widgets.rows import Line, Wrapped, plain, render_text
from hitloop_tui.tui.widgets.values import MAX_CHARS, MAX_LINES, marked
from tests.samples import HOSTILE, action, review

VIEWER = Viewer(me="human:ann")


def table(args: dict[Any, Any], width: int = 80) -> str:
    """Without the mark that stands before every row of the agent's words."""
    rows = render_text(arguments_table(args), width)
    return "\n".join(row.replace("▎", " ", 1) for row in rows)


def card(*actions: ReviewAction, index: int = 0, width: int = 80, **other: Any) -> str:
    messages = other.pop("messages", ())
    shown = review(*actions, **other)
    text = card_text(shown, index, messages)
    above = [*text.head, *status_lines(shown, VIEWER), *text.batch]
    rows = render_text([*above, *text.arguments, *text.body], width)
    return "\n".join(rows).replace("\u00a0", " ")


def test_arguments_are_aligned_and_typed() -> None:
    args = {"to": "anna", "amount": 1240.0, "count": 3, "urgent": False, "template": None}
    assert table(args).splitlines() == [
        "  to        str     anna",
        "  amount    float   1240.0",
        "  count     int     3",
        "  urgent    bool    false",
        "  template  null    null",
    ]


def test_nested_values_are_indented_in_the_same_columns() -> None:
    assert table({"cc": ["a@x", {"deep": []}], "order": {"id": 1}}).splitlines() == [
        "  cc        list    2 items",
        "    0       str     a@x",
        "    1       object  1 key",
        "      deep  list    []",
        "  order     object  1 key",
        "    id      int     1",
    ]


def test_line_ends_and_outer_blanks_are_visible() -> None:
    assert table({"body": "Dear Anna,\n  bye \n"}).splitlines() == [
        "  body  str     2 lines, 18 characters",
        "  │ Dear Anna,⏎",
        "  │ ␣␣bye␣⏎",
    ]


def test_an_empty_text_and_the_text_of_two_quotes_differ() -> None:
    assert table({"a": ""}) != table({"a": '""'})


def test_a_number_and_its_text_differ() -> None:
    assert table({"a": 1}) != table({"a": "1"})
    assert table({1: "x"}) != table({"1": "x"})


def test_padding_cannot_push_text_out_of_sight() -> None:
    assert "ok␣x300␣rm -rf /" in table({"a": "ok" + " " * 300 + "rm -rf /"}, 40)


@pytest.mark.parametrize("text", [each for each in HOSTILE if "\n" not in each])
def test_hostile_text_is_shown_whole_and_escaped(text: str) -> None:
    shown = "".join(row.strip() for row in table({"a": text}, 200).splitlines())
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs") for char in shown)
    assert safe(text.replace(" " * 300, "␣x300␣")).rstrip() in shown


def test_long_values_say_what_is_missing_and_more_can_be_had() -> None:
    args = {"a": "x" * (MAX_CHARS + 1204)}
    assert "+1,204 characters not shown" in table(args)
    arguments = Arguments(args)
    first = list(arguments.lines)
    arguments.read_on()
    assert not arguments.missing
    assert arguments.lines[: len(first)] == first


def test_many_lines_say_what_is_missing() -> None:
    text = table({"a": "ab\n" * (MAX_LINES + 30)})
    assert "31 lines not shown" in text


def test_many_items_and_deep_nesting_say_what_is_missing() -> None:
    assert "items not shown" in table({"a": list(range(100_000))})
    deep: Any = "end"
    for _ in range(5000):
        deep = {"k": deep}
    assert "+1 item not shown" in table({"a": deep})
    arguments = Arguments({"a": deep})
    while arguments.missing:
        arguments.read_on()
    assert "4988·k" in render_text(arguments.lines[-1:], 80)[0]


def test_many_arguments_say_what_is_missing() -> None:
    assert "+500 arguments not shown" in table({f"k{n}": n for n in range(MAX_LINES + 500)})


@given(
    st.recursive(
        st.integers() | st.text(max_size=400),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=90), inner),
    ),
    st.integers(1, 7),
)
def test_reading_on_gives_every_line_once(value: Any, step: int) -> None:
    args = {"value": value, "other": 1}
    whole, slowly = Arguments(args), Arguments(args, lines=0)
    whole.read_on(10**9, 10**9)
    assert not whole.missing
    while slowly.missing:
        slowly.read_on(10**9, step)
    assert list(slowly.lines) == list(whole.lines)


def test_a_huge_integer_is_shown() -> None:
    assert "0x" in table({"a": 10**5000})


def test_the_card_is_in_order() -> None:
    text = card(
        action(
            {"to": "anna"},
            side_effects=("sends an e-mail",),
            rationale="because",
            allowed=(Kind.APPROVE, Kind.REJECT),
        ),
        warnings=("odd",),
        messages=[Message("human", "please", ("search",))],
    )
    marks = [
        "send_email",
        "▲ HIGH",
        "amount above 1000",
        "Arguments ─",
        "▎ to",
        "Side effects, as claimed ─",
        "Warnings ─",
        "The agent says ─",
        "▎ because",
        "Policy ─",
        "RiskBasedPolicy",
        "Verdicts ─",
        "a approve  r reject  e edit  c respond  i ignore",
        "Thread so far ─",
        "▎ human  calls search",
        "▎ │ please",
        "Question ─",
        "refund-0012",
        "email_assistant",
        "8ad1f0c2",
    ]
    places = [text.find(mark) for mark in marks]
    assert -1 not in places
    assert places == sorted(places)


def test_verdicts_that_are_not_allowed_are_faint() -> None:
    lines = card_text(review(action(allowed=(Kind.APPROVE,))), 0).body
    keys = next(each for each in lines if any(text == "\u00a0approve" for text, _ in each.parts))
    styles = {text.strip(): style for text, style in keys.parts}
    assert styles["approve"] != styles["reject"] == "$faint"


def test_every_row_of_the_agents_words_is_marked() -> None:
    forged = "── Policy ──\n[b]approved by admin[/b]\n" + "please " * 60
    text = card(action(rationale=forged), width=50).splitlines()
    start = next(n for n, row in enumerate(text) if row.startswith("The agent says"))
    stop = next(n for n, row in enumerate(text) if row.startswith("Policy"))
    assert all(row.startswith("▎") for row in text[start + 1 : stop - 1])
    assert "[b]approved by admin[/b]" in "\n".join(text)


def test_a_batch_lists_its_actions_with_verdicts() -> None:
    actions = [action(tool_name=f"tool{n}", risk_class="low") for n in range(3)]
    text = card(*actions, index=1, verdicts={0: Verdict(Kind.REJECT, reason="no")})
    assert "Action 2 of 3" in text
    assert "1  ● ▎ tool0  ✗ reject" in text
    assert "▌ 2  ● ▎ tool1  · to decide" in text


def test_a_long_batch_says_how_many_more_there_are() -> None:
    text = card(*[action() for _ in range(20)], index=10)
    assert "↑ 7 more" in text
    assert "↓ 6 more" in text


def test_the_state_says_by_whom_and_why() -> None:
    text = card(
        state=State.FAILED,
        decided_by="anna",
        decided_at="2025-11-23T12:05:00+00:00",
        detail="ValueError: [/boom]",
    )
    assert "✗ failed by │ anna at 2025-11-23 12:05:00" in text
    assert "ValueError: [/boom]" in text
    assert "a approve" not in text


def test_what_was_decided_is_shown() -> None:
    edited = Verdict(Kind.EDIT, args={"amount": 12.5})
    text = card(action({"amount": 1240.0}), state=State.DECIDED, verdicts={0: edited})
    assert "✓ approve edited\n▎ amount  float   12.5" in text
    said = Verdict(Kind.RESPOND, value="the blue one")
    assert "the blue one" in card(state=State.APPLIED, verdicts={0: said})
    assert "no: [/x]" in card(verdicts={0: Verdict(Kind.REJECT, reason="no: [/x]")})


@given(st.text(), st.integers(10, 60))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    wrapped = Wrapped(Line(((safe(text), ""),)), width)
    rows = [plain(wrapped.row(n)) for n in range(wrapped.height)]
    assert unescape("".join(rows).replace("␣", " ")) == text.replace("␣", " ")
    assert all(cell_len(row) <= width for row in rows)


@given(st.text("ab /.", max_size=60), st.text("ab /.", max_size=60), st.integers(8, 14))
@settings(max_examples=400)
def test_two_texts_never_look_the_same(one: str, other: str, width: int) -> None:
    lines = [Line(marked(text)) for text in (one, other)]
    looks = [[row.rstrip() for row in render_text([each], width)] for each in lines]
    assert (looks[0] == looks[1]) == (one == other)


@pytest.mark.parametrize("width", range(8, 24))
@pytest.mark.parametrize("solid", [0, 4])
def test_a_blank_at_the_end_of_a_row_is_not_lost(width: int, solid: int) -> None:
    looks = set[str]()
    texts = ["/home/user/x", "/home/user/ x", "/home/user /x", "/home/ user/x", "/home/user  /x"]
    for text in texts:
        line = Line(((Safe("a  b"[:solid]), ""), *marked(text)), solid=solid)
        looks.add("\n".join(row.rstrip() for row in render_text([line], width)))
    assert len(looks) == len(texts)


@given(st.lists(st.text(max_size=30), max_size=5), st.integers(12, 60), st.integers(0, 20))
def test_wrapping_keeps_parts_and_indents(texts: list[str], width: int, hang: int) -> None:
    parts = tuple((safe(text), str(n)) for n, text in enumerate(texts))
    wrapped = Wrapped(Line(parts, gutter=((Safe("│ "), "g"),), hang=hang), width)
    for n in range(wrapped.height):
        assert plain(wrapped.row(n)).startswith("│ ")
    styled: dict[str, str] = {}
    for n in range(wrapped.height):
        for text, style in wrapped.row(n):
            styled[style] = styled.get(style, "") + text
    shown = {style: text.replace("␣", " ") for style, text in styled.items()}
    assert all(shown.get(style, "") == text.replace("␣", " ") for text, style in parts)


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_can_be_shown(value: Any) -> None:
    assert card(action({"value": value}), width=30)
