"""Values on one line: nothing is left out without saying how much."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.attach.inline import MAX_DEPTH, inline, pairs, start_of
from hitloop_tui.attach.summary import MAX_SUMMARY, one_line

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES), st.integers(0, 100))
def test_a_start_counts_what_it_leaves_out(args: dict[str, Any], limit: int) -> None:
    whole, start = pairs(args), start_of(args.items(), limit)
    assert start.text == whole[:limit]
    assert (start.hidden, start.counted) == (len(whole) - len(start.text), True)


def test_ten_megabytes_are_counted() -> None:
    start = one_line({"body": "x" * 10_000_000})
    assert start.text == 'body="' + "x" * (MAX_SUMMARY - 6)
    assert start.hidden + MAX_SUMMARY == len('body=""') + 10_000_000
    assert start.counted


def test_of_very_many_items_it_says_that_there_are_more() -> None:
    start = one_line({"rows": [[n] for n in range(500_000)]})
    assert start.text.startswith("rows=[[0], [1], [2]")
    assert not start.counted
    assert start.hidden > 1000


def test_short_values_come_first() -> None:
    args = {"lines": [1], "body": "a long text, " * 9, "to": "ann@x.org"}
    assert one_line(args).text.startswith('to=ann@x.org body="a long text, a')


def test_what_lies_too_deep_is_counted() -> None:
    deep: Any = {"a": 1, "b": 2}
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert inline(deep) == "[" * MAX_DEPTH + "{2 keys}" + "]" * MAX_DEPTH


@given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_different_texts_look_different(texts: list[str]) -> None:
    assert inline(texts[0]) != inline(texts[1])
    assert inline(texts) != inline(texts[::-1])
