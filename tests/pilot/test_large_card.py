"""Large arguments on the card: paged, read to their end, and counted as they are read."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from hitloop_tui.tui.widgets.card import ARGUMENTS, Card
from hitloop_tui.tui.widgets.rows import plain
from hitloop_tui.tui.widgets.values import MAX_CHARS, MAX_LINES
from tests.pilot.bare import Bare, screen_text
from tests.samples import action, review

NARROW = (80, 24)
END = "the very end"

LARGE: dict[str, Any] = {
    "one line": "word " * (MAX_CHARS // 4) + END,
    "lines": "a line\n" * (MAX_LINES + 300) + END,
    "wide": "見積書を確認 " * (MAX_CHARS // 6) + END,
    "items": [*range(MAX_LINES + 300), END],
    "names": {**{f"k{n}": n for n in range(MAX_LINES + 300)}, "last": END},
}


def told(card: Card) -> list[str]:
    """The rows of the arguments, as far as they were made."""
    first, table = card.part(ARGUMENTS)
    return [plain(card.row(y)) for y in range(first, first + table.count)]


async def shown(pilot: Pilot[None], card: Card, value: Any) -> None:
    card.focus()
    card.show(review(action({"report": value})), [])
    await pilot.pause()


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
async def test_it_can_be_read_to_its_end_by_one_key(value: Any) -> None:
    card = Card()
    async with Bare(card).run_test(size=(80, 200)) as pilot:
        await shown(pilot, card, value)
        assert not any(END in row for row in told(card))
        for _ in range(400):
            if card.share is None:
                break
            assert not card.was_seen(card.review, 0)
            await pilot.press("space")
        assert card.was_seen(card.review, 0)
        assert END in screen_text(pilot.app)


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
async def test_more_and_more_of_it_ends_with_its_last_character(value: Any) -> None:
    card = Card()
    async with Bare(card).run_test(size=NARROW) as pilot:
        await shown(pilot, card, value)
        lengths = [len(told(card))]
        while card.cut:
            await pilot.press("m")
            await pilot.pause()
            lengths.append(len(told(card)))
        assert lengths == sorted(set(lengths)), lengths
        assert END in told(card)[-1]
        assert len([row for row in told(card) if END in row]) == 1


async def test_what_was_seen_is_counted_anew_at_another_width() -> None:
    card = Card()
    async with Bare(card).run_test(size=NARROW) as pilot:
        await shown(pilot, card, "word " * 2000 + "\n" + "word " * 2000)
        for _ in range(3):
            await pilot.press("space")
        before = card.share
        await pilot.resize_terminal(40, 24)
        await pilot.pause()
        after = card.share
        assert before is not None
        assert after is not None
        assert after.rows == len(told(card)) > before.rows
        assert after.seen <= after.rows


async def test_a_new_width_keeps_the_place_inside_the_arguments() -> None:
    card = Card()
    async with Bare(card).run_test(size=NARROW) as pilot:
        await shown(pilot, card, [f"item {n} {'x' * 90}" for n in range(300)])
        card.scroll_to(y=200, animate=False)
        await pilot.pause()
        top = card.place(200).line
        await pilot.resize_terminal(50, 24)
        await pilot.pause()
        assert card.place(card.scroll_offset.y).line == top
