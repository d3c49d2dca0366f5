"""Passwords on the card: hidden until somebody asks, and never overwritten by what hides them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from hitloop_tui.attach.review import Kind
from hitloop_tui.tui.dialogs import EditDialog
from hitloop_tui.tui.dialogs import edit as edit_module
from tests.pilot.console import WIDE, Console, console
from tests.pilot.questions import ask, gate

ARGS: dict[str, Any] = {"user": "ann", "password": "hunter2", "headers": {"x_api_key": "hunter3"}}


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_module, "GRACE_S", 0)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "agents.db"
    rationale = "it logs in with hunter2"
    asked = gate("login", ARGS, "medium")
    asked[0]["hitloop"]["action"]["rationale"] = rationale
    ask(path, {"other": {"token": "hunter4"}, "secret": {"s": SecretStr("hunter5")}, "t": asked})
    return path


async def test_masked_values_are_shown_to_who_asks(db: Path) -> None:
    async with console(db, WIDE, rows=3) as at:
        assert "hunter" not in at.shown
        await at.go_to("t")
        assert "hunter" not in at.card + at.shown
        assert "user str ann" in at.card
        assert "password masked •••• masked 1" in at.card
        assert "2 values masked: v shows what is there" in at.card
        await at.press("v")
        await at.until(lambda: "hunter2" in at.card)
        assert "hunter3" in at.card
        assert "masked values are shown: v hides them" in at.card
        await at.press("v")
        await at.until(lambda: "hunter" not in at.card)


async def test_another_review_is_masked_again(db: Path) -> None:
    async with console(db, rows=3) as at:
        await at.go_to("t")
        await at.press("v")
        await at.until(lambda: "hunter2" in at.card)
        await at.go_to("other")
        assert "hunter" not in at.card
        await at.go_to("t")
        assert "hunter" not in at.card
        await at.go_to("secret")
        assert "hunter" not in at.card
        await at.press("v")
        await at.until(lambda: "hunter5" in at.card)


async def test_nothing_to_show(tmp_path: Path) -> None:
    ask(tmp_path / "agents.db", {"t": gate("refund", {"n": 1}, "low")})
    async with console(tmp_path / "agents.db", rows=1) as at:
        await at.go_to("t")
        await at.press("v")
        await at.until(lambda: "nothing on this card is masked" in at.said)


async def test_copied_arguments_are_masked_like_the_card(db: Path) -> None:
    async with console(db, rows=3) as at:
        await at.go_to("t")
        await at.press("Y")
        assert "hunter" not in at.app.clipboard
        assert "ann" in at.app.clipboard
        await at.press("v", "Y")
        assert "hunter2" in at.app.clipboard


async def _edited(at: Console, old: str, new: str) -> None:
    await at.go_to("t")
    await at.press("e")
    await at.until(lambda: isinstance(at.app.screen, EditDialog))
    dialog = at.app.screen
    assert isinstance(dialog, EditDialog)
    assert "hunter" not in dialog.editor.text
    assert old in dialog.editor.text
    dialog.editor.text = dialog.editor.text.replace(old, new)
    await at.press("ctrl+s")
    await at.pilot.pause()


async def test_an_edit_keeps_what_is_behind_the_masks(db: Path) -> None:
    async with console(db, rows=3) as at:
        await _edited(at, '"ann"', '"bob"')
        assert "hunter" not in at.shown
        await at.press("enter")
        await at.until(at.records)
        [record] = at.records()
        assert record.verdicts[0].kind is Kind.EDIT
        assert record.verdicts[0].args == {**ARGS, "user": "bob"}


async def test_a_masked_value_can_be_replaced(db: Path) -> None:
    async with console(db, rows=3) as at:
        await _edited(at, "•••• masked 2", "new key")
        assert "new key" in at.shown
        await at.press("enter")
        await at.until(at.records)
        [record] = at.records()
        assert record.verdicts[0].args == {**ARGS, "headers": {"x_api_key": "new key"}}


async def test_a_part_of_a_mask_is_no_value(db: Path) -> None:
    async with console(db, rows=3) as at:
        await _edited(at, "•••• masked 1", "•••• masked 1x")
        await at.until(lambda: "a part of a mask is left" in at.shown)
        assert at.records() == []


async def test_an_approval_is_of_the_values_themselves(db: Path) -> None:
    async with console(db, rows=3) as at:
        await at.go_to("t")
        await at.press("a")
        await at.until(at.records)
        [record] = at.records()
        assert record.review["actions"][0]["tool_args"] == ARGS
