"""Nothing happens by pressing, dragging or passing over words of an agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from tests.hostile import clicks
from tests.hostile.clicks import compare, handlers
from tests.pilot.bare import Bare
from tests.pilot.console import NARROW, WIDE

TEXT = "[@click=app.bell]x[/][@click=screen.verdict('approve')]y[/][link='https://x']z[/] [bold]b"


@pytest.mark.parametrize(("size", "step"), [(NARROW, 7), (WIDE, 149)])
def test_the_console(tmp_path: Path, size: tuple[int, int], step: int) -> None:
    pressed, found = compare(tmp_path, [TEXT], size, step, first=1)
    assert found == []
    assert pressed > 60


class Live(Bare):
    """An app in which a click on agent text does something."""

    done = 0

    def action_act(self) -> None:
        self.done += 1


async def test_an_action_in_a_text_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = [(0, 0, 5)]
    monkeypatch.setattr(clicks, "boxes", lambda app: spans)
    async with Live(Static("[@click=app.act]click[/]"), Static("[link='http://x']y[/]")).run_test(
        size=NARROW
    ) as pilot:
        await pilot.pause()
        assert len([*handlers(pilot.app)]) == 1
        spans[0] = (1, 0, 1)
        assert len([*handlers(pilot.app)]) == 1
        for gesture in clicks.GESTURES[:2]:
            for event in clicks.mouse(2, 0, *gesture):
                pilot.app.post_message(event)
        await pilot.pause()
        assert pilot.app.done
