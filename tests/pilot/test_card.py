"""The card on a screen: real keys, big values, hostile text."""

from __future__ import annotations

import time

from hitloop_tui.attach.review import Kind, Review, State, Verdict
from hitloop_tui.tui.widgets.card import Card
from tests.pilot.bare import Bare, screen_text
from tests.samples import HOSTILE, action, review

NARROW = (80, 24)


async def test_it_scrolls_by_keys_and_keeps_its_place_when_shown_again() -> None:
    card = Card()
    long = review(action({f"name{n}": n for n in range(100)}))
    async with Bare(card).run_test(size=NARROW) as pilot:
        card.focus()
        card.show(long, [])
        await pilot.pause()
        await pilot.press("j", "j", "ctrl+d")
        assert card.scroll_offset.y == 14
        card.show(long, [])
        await pilot.pause()
        assert card.scroll_offset.y == 14
        await pilot.press("G")
        assert "8ad1f0c2" in screen_text(pilot.app)
        await pilot.press("ctrl+u", "k", "g")
        assert card.scroll_offset.y == 0
        card.show(review(action({f"other{n}": n for n in range(100)}), interrupt="another"), [])
        await pilot.pause()
        assert "other0" in screen_text(pilot.app)


async def test_another_review_begins_at_its_top() -> None:
    card = Card()
    async with Bare(card).run_test(size=NARROW) as pilot:
        card.focus()
        card.show(review(action({f"n{n}": n for n in range(100)})), [])
        await pilot.press("G")
        card.show(review(action({f"n{n}": n for n in range(100)}), interrupt="other"), [])
        await pilot.pause()
        assert card.scroll_offset.y == 0


async def test_it_begins_with_the_first_open_action_and_steps_round() -> None:
    card = Card()
    batch = review(
        *[action(tool_name=f"tool{n}") for n in range(3)], verdicts={0: Verdict(Kind.APPROVE)}
    )
    async with Bare(card).run_test(size=NARROW) as pilot:
        card.show(batch, [])
        await pilot.pause()
        assert card.action_index == 1
        assert "Action 2 of 3" in screen_text(pilot.app)
        card.next_action()
        card.next_action()
        await pilot.pause()
        assert card.action_index == 0
        card.previous_action()
        await pilot.pause()
        assert card.action_index == 2
        assert screen_text(pilot.app).startswith(" ▎ tool2")


async def test_a_huge_argument_does_not_freeze_and_is_paged() -> None:
    card = Card()
    async with Bare(card).run_test(size=NARROW) as pilot:
        card.focus()
        started = time.process_time()
        card.show(review(action({"text": "много слов " * 900_000})), [])
        await pilot.pause()
        assert time.process_time() - started < 2
        assert card.cut
        await pilot.press("G")
        assert "m shows more" in screen_text(pilot.app)
        rows = card.row_count
        await pilot.press("m")
        assert card.row_count > rows * 1.8


async def test_hostile_text_is_literal_and_harmless() -> None:
    card = Card()
    evil = action(
        {f"{n} {text}": text for n, text in enumerate(HOSTILE)},
        tool_name=HOSTILE[0],
        rationale="\n".join(HOSTILE),
        description=HOSTILE[2],
        side_effects=tuple(HOSTILE),
    )
    async with Bare(card).run_test(size=(100, 120)) as pilot:
        card.show(review(evil, warnings=HOSTILE, decided_by=HOSTILE[1], state=State.FAILED), [])
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "[@click=app.quit]show details[/]" in text
        assert "path [/etc/x] [link=https://x] [b]bold" in text
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\u200b", "\u2060", "\x9b", "\u2028"}
        for y in range(0, 40, 8):
            await pilot.click(Card, offset=(5, y))
        assert pilot.app.is_running


async def test_nothing_to_show() -> None:
    card = Card()
    async with Bare(card).run_test(size=NARROW) as pilot:
        card.show(review(), [])
        card.show(None, [])
        await pilot.pause()
        assert "Nothing to decide." in screen_text(pilot.app)
        card.next_action()
        assert card.review is None


async def test_text_can_be_selected_and_copied() -> None:
    card = Card()
    async with Bare(card).run_test(size=NARROW) as pilot:
        card.show(review(), [])
        await pilot.pause()
        await pilot.mouse_down(Card, offset=(1, 0))
        await pilot.hover(Card, offset=(11, 0))
        await pilot.mouse_up(Card, offset=(11, 0))
        await pilot.pause()
        assert (pilot.app.screen.get_selected_text() or "").startswith("▎ send_emai")


async def test_every_width_can_be_drawn() -> None:
    card = Card()
    shown: Review = review(action({"a": "Größe 漢字 " * 40, "b": {"c": [1, 2]}}))
    async with Bare(card).run_test(size=NARROW) as pilot:
        card.show(shown, [])
        for width in (12, 20, 33, 140):
            await pilot.resize_terminal(width, 20)
            await pilot.pause()
            assert screen_text(pilot.app)
