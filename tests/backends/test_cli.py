"""The prompt on the agent's own terminal."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitloop_tui.backends import CLIBackend
from hitloop_tui.backends.card import GUTTER, MORE, card
from hitloop_tui.core.interfaces import ApprovalCancelledError
from tests.backends.desk import a_request


def typed(*lines: str | BaseException):
    """An `input_func` that gives these lines, then ends."""
    left = list(lines)

    def read() -> str:
        if not left:
            raise EOFError
        line = left.pop(0)
        if isinstance(line, BaseException):
            raise line
        return line

    return read


def cli(*lines, **options) -> tuple[CLIBackend, list[str]]:
    shown: list[str] = []
    return CLIBackend(input_func=typed(*lines), output_func=shown.append, **options), shown


async def test_yes_with_a_reason():
    backend, shown = cli("maybe", " Y ", " looks right ")
    request = a_request()
    decision = await backend.request_approval(request)
    assert (decision.approved, decision.reason) == (True, "looks right")
    assert (decision.decided_by, decision.tags) == ("cli:human", [])
    assert decision.action_id == request.action.id
    assert decision.digest == request.action.digest()
    assert shown[0] == card(request)
    assert "Please enter 'y' or 'n'" in shown


@pytest.mark.parametrize(
    ("line", "approved"), [("y", True), ("YES", True), ("1", True), ("n", False), ("false", False)]
)
async def test_answers(line, approved):
    decision = await cli(line, "")[0].request_approval(a_request())
    assert decision.approved is approved
    assert decision.reason == ("Approved" if approved else "Rejected")


async def test_an_ended_input_is_no_persons_no():
    decision = await cli()[0].request_approval(a_request())
    assert (decision.approved, decision.decided_by) == (False, "system:no_input")
    assert decision.tags == ["no_input"]


async def test_an_ended_input_after_the_answer_is_no_reason():
    decision = await cli("y")[0].request_approval(a_request())
    assert (decision.approved, decision.reason) == (True, "Approved")


async def test_an_input_function_that_gives_up():
    with pytest.raises(ApprovalCancelledError):
        await cli(KeyboardInterrupt())[0].request_approval(a_request())


async def test_a_timeout_is_no_persons_no_and_keeps_no_line():
    """The read of the first question brings a line for the second, not for the first."""
    gate = threading.Event()
    lines = iter(["y", "", "n", ""])

    def read() -> str:
        gate.wait(10)
        return next(lines)

    backend = CLIBackend(timeout_seconds=0.05, input_func=read, output_func=lambda _: None)
    started = time.monotonic()
    decision = await backend.request_approval(a_request())
    assert (decision.approved, decision.decided_by) == (False, "system:timeout")
    assert decision.tags == ["timeout"]
    assert 50 <= decision.latency_ms < 5000
    assert time.monotonic() - started < 5
    gate.set()
    await asyncio.sleep(0.2)  # "y" arrives while no question is on the screen
    backend.timeout_seconds = 5
    second = await backend.request_approval(a_request())
    assert (second.approved, second.decided_by) == (False, "cli:human")


async def test_the_loop_goes_on_while_a_person_thinks():
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    takes = iter([0.1, 1.5])

    def slow() -> str:
        time.sleep(next(takes))
        return "y"

    backend = CLIBackend(input_func=slow, output_func=lambda _: None)
    task = asyncio.create_task(tick())
    decision = await backend.request_approval(a_request())
    task.cancel()
    assert decision.approved
    assert ticks > 10
    assert 95 <= decision.latency_ms < 1500  # the reason is not part of the thinking


async def test_one_question_at_a_time():
    backend, shown = cli("y", "first", "n", "second")
    first, second = a_request(tool_name="one"), a_request(tool_name="two")
    decisions = await asyncio.gather(*map(backend.request_approval, (first, second)))
    assert [(d.approved, d.reason) for d in decisions] == [(True, "first"), (False, "second")]
    cards = [n for n, text in enumerate(shown) if text.startswith("===")]
    assert cards == [0, 3]


def test_several_event_loops():
    backend, _ = cli(*["y", ""] * 6)
    done: list[bool] = []

    def run() -> None:
        done.append(asyncio.run(backend.request_approval(a_request())).approved)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert done == [True] * 6


async def test_auto_approve():
    backend = CLIBackend(auto_approve=True, auto_approve_delay_ms=20)
    decision = await backend.request_approval(a_request())
    assert (decision.approved, decision.decided_by) == (True, "cli:auto")
    assert decision.latency_ms >= 20


HOSTILE = "ok\x1b[2J\x1b]52;c;aGk=\x07\u202egnp\u200b\r\x9b31m\n" + "=" * 60 + "\nRisk: LOW"


async def test_hostile_text_is_visible():
    """Upstream prints ESC and OSC 52 raw (security.md 7.1, 17)."""
    request = a_request(
        tool_name=HOSTILE,
        tool_args={HOSTILE: HOSTILE},
        rationale=HOSTILE,
        side_effects=[HOSTILE],
    )
    request.summary_context = request.policy_name = request.policy_reason = HOSTILE
    text = card(request)
    assert all(char == "\n" or char.isprintable() for char in text)
    ours = [line for line in text.split("\n") if not line.startswith(GUTTER)]
    assert ours.count("=" * 60) == 2
    assert [line for line in ours if line.startswith("Risk:")] == ["Risk: HIGH"]
    assert "hidden characters" in text


@given(st.text(st.characters()))
def test_no_text_makes_a_line_of_its_own(text):
    request = a_request(tool_args={"x": text}, rationale=text, side_effects=[text])
    lines = card(request).split("\n")
    plain = card(a_request(tool_args={"x": ""}, rationale="r", side_effects=["s"])).split("\n")
    ours = [line for line in lines if not line.startswith((GUTTER, "! ", "Arguments hash"))]
    expected = [line for line in plain if not line.startswith((GUTTER, "! ", "Arguments hash"))]
    titles = {"Side effects, says the agent:", "Rationale, says the agent:"}
    action_ids = [line for line in (*ours, *expected) if line.startswith("Action:")]
    leave_out = titles | set(action_ids)
    assert [x for x in ours if x not in leave_out] == [x for x in expected if x not in leave_out]
    assert all(char == "\n" or char.isprintable() for char in "\n".join(lines))


def test_what_a_terminal_would_wrap_goes_on_behind_a_mark():
    """Else a text as long as the terminal is wide goes on where our words begin."""
    forged = "x" * (60 - len(GUTTER)) + "Risk: LOW"
    request = a_request(tool_name=forged, tool_args={"x": forged}, rationale=forged)
    lines = card(request, 60).split("\n")
    assert all(len(line) <= 60 for line in lines)
    assert [line for line in lines if line.startswith("Risk:")] == ["Risk: HIGH"]
    assert f"{MORE}Risk: LOW" in lines


def test_nothing_is_cut():
    request = a_request(tool_args={"body": "x" * 5000 + "END"}, rationale="y" * 5000 + "DONE")
    assert "END" in card(request)
    assert "DONE" in card(request)
