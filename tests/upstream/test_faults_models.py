"""Faults of the models and of the terminal backend."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.upstream.desk import a_request
from tests.upstream.faults import fault, part

models = part("core.models")


def an_action(tool: str = "pay", **args: Any) -> Any:
    return models.Action(tool_name=tool, tool_args=args)


@fault("security 6.1a")
def test_the_hash_tells_tools_apart():
    assert an_action("look").args_hash() != an_action("delete").args_hash()


@fault("security 6.1b")
@pytest.mark.parametrize(
    ("one", "other"), [(Decimal("1"), "1"), ({1: "x"}, {"1": "x"})], ids=["Decimal", "key"]
)
def test_the_hash_tells_values_apart(one, other):
    assert an_action(value=one).args_hash() != an_action(value=other).args_hash()


@fault("security 6.1c", absent="there is no other hash than the short one")
def test_an_approval_is_bound_to_256_bits():
    assert re.fullmatch("[0-9a-f]{64}", an_action(amount=5).digest())


@fault("security W4")
def test_a_summary_says_how_much_it_does_not_show():
    action = an_action(body="x" * 300, to="eve@example.com", amount=1_000_000)
    cut, full = action.summary(), action.summary(10_000)
    said = re.search(r"… \+(\d+) characters", cut)
    assert said is not None
    assert len(cut) - len(said[0]) + int(said[1]) == len(full)


class Terminal:
    """What is typed, each line after so many seconds, and what is shown."""

    def __init__(self, *typed: tuple[float, str]) -> None:
        self.typed: Iterator[tuple[float, str]] = iter(typed)
        self.shown: list[str] = []
        self.backend = part("backends").CLIBackend(
            input_func=self.read, output_func=self.shown.append
        )

    def read(self) -> str:
        seconds, line = next(self.typed)
        time.sleep(seconds)
        return line


@fault("security 7.1.17")
@pytest.mark.parametrize("escape", ["\x1b]52;c;cm0gLXJmIC8=\x07", "\x1b[2J", "\x9b31m"])
async def test_the_terminal_gets_no_escapes_of_the_agent(escape):
    terminal = Terminal((0, "n"), (0, ""))
    request = a_request(rationale=f"please{escape}", tool_args={"to": escape})
    await terminal.backend.request_approval(request)
    assert "please" in "".join(terminal.shown)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", "".join(terminal.shown))


@fault("oversight 4.7")
async def test_typing_a_reason_is_no_time_of_deciding():
    terminal = Terminal((0, "y"), (0.5, "seen"))
    decision = await terminal.backend.request_approval(a_request())
    assert (decision.reason, decision.latency_ms < 400) == ("seen", True)


@fault("oversight 4.7")
async def test_a_clock_that_is_set_does_not_change_a_latency(monkeypatch):
    now, steps = time.time, iter(range(0, 10**9, 3600))
    monkeypatch.setattr(time, "time", lambda: now() + next(steps))
    decision = await Terminal((0, "y"), (0, "")).backend.request_approval(a_request())
    assert decision.latency_ms < 60_000
