"""The form, filled in by keys."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, Field

from hitloop_tui.attach.form import fields_of
from hitloop_tui.attach.review import Kind, Review, ReviewAction
from hitloop_tui.tui.dialogs import FormDialog, Respond
from tests.pilot.bare import Bare, screen_text
from tests.samples import HOSTILE, review

NARROW, WIDE = (80, 24), (140, 40)


class Carrier(Enum):
    POST = "by post"
    COURIER = "by courier"


class Shipping(BaseModel):
    address: str = Field(description="Street, number, town.")
    parcels: int
    insured: bool = False
    carrier: Carrier
    marks: list[Carrier] = []
    note: str | None = None


def asking(schema: dict[str, Any], **value: Any) -> tuple[Review, Any]:
    shown = ReviewAction(
        "question",
        value or {"question": "Where to?"},
        allowed=(Kind.RESPOND,),
        answer_schema=schema,
    )
    return review(shown, shape="response_schema", schema=schema), fields_of(schema)


async def opened(pilot: Any, schema: dict[str, Any]) -> Bare:
    asked, fields = asking(schema)
    assert fields is not None
    pilot.app.open(FormDialog(asked, 0, fields))
    await pilot.pause()
    return pilot.app  # type: ignore[no-any-return]


async def test_a_model_is_filled_in_by_keys() -> None:
    async with Bare().run_test(size=WIDE) as pilot:
        app = await opened(pilot, Shipping.model_json_schema())
        assert "Street, number, town." in screen_text(app)
        await pilot.press(*"Elm 1", "tab", *"2x", "ctrl+s")
        assert "parcels: '2x' is no number" in screen_text(app)
        assert app.answers == []
        await pilot.press("backspace", "tab", "space", "tab", "down", "enter", "tab", "space")
        await pilot.press("ctrl+s")
        assert app.answers == [
            Respond(
                {
                    "address": "Elm 1",
                    "parcels": 2,
                    "insured": True,
                    "carrier": "by courier",
                    "marks": ["by post"],
                }
            )
        ]


async def test_json_can_be_typed_instead_and_esc_leaves() -> None:
    for key, answer in (("ctrl+t", FormDialog.AS_JSON), ("escape", None)):
        async with Bare().run_test(size=NARROW) as pilot:
            app = await opened(pilot, Shipping.model_json_schema())
            await pilot.press(key)
            assert app.answers == [answer]


async def test_the_schema_itself_is_the_judge() -> None:
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, {"type": "integer", "minimum": 3})
        await pilot.press("2", "ctrl+s")
        assert "2 is less than the minimum of 3" in screen_text(app)
        await pilot.press("backspace", "7", "ctrl+s")
        assert app.answers == [Respond(7)]


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_words_of_a_schema_are_inert(hostile: str) -> None:
    schema = {
        "type": "object",
        "properties": {
            hostile: {"type": "string", "title": hostile, "description": hostile},
            "one": {"enum": [hostile, "b"]},
            "many": {"type": "array", "items": {"enum": [hostile, "c"]}},
            "set": {"type": "string", "default": hostile},
        },
        "required": ["one"],
    }
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, schema)
        shown = screen_text(app)
        assert all(char.isprintable() for char in shown.replace("\n", ""))
        await pilot.press("tab", "enter", "ctrl+s")
        [answer] = app.answers
        assert answer.value["one"] == hostile


async def test_a_long_form_fits_a_small_terminal() -> None:
    properties = {f"field {n}": {"type": "string", "description": "words " * 30} for n in range(30)}
    async with Bare().run_test(size=NARROW) as pilot:
        app = await opened(pilot, {"type": "object", "properties": properties})
        shown = screen_text(app)
        assert "╭" in shown
        assert "╰" in shown
        assert "ctrl+s" in shown
