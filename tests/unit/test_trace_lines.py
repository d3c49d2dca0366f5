"""Events in words, and the ring they are kept in."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from hitloop_tui.attach.events import Event
from hitloop_tui.tui.widgets.brief import brief, duration
from hitloop_tui.tui.widgets.rows import TIED, Line, render_text
from hitloop_tui.tui.widgets.telemetry_lines import TELEMETRY
from hitloop_tui.tui.widgets.trace_buffer import LIMIT, SLACK, TraceBuffer
from hitloop_tui.tui.widgets.trace_lines import (
    MAX_SAID,
    event_line,
    said_lines,
    short_thread,
)
from tests.samples import HOSTILE

AT = 1_795_608_271.0  # 2026-11-25 12:04:31 UTC


def event(kind: str, **other: Any) -> Event:
    data = other.pop("data", {})
    return Event("t-1", kind, at=AT, data=data, **{"node": "tools", "id": 1, **other})


def rows_of(lines: list[Line], width: int) -> list[str]:
    """As an eye sees them: a blank at which no row ends is a blank."""
    return [row.replace(TIED, " ") for row in render_text(lines, width)]


def shown(kind: str, *, with_thread: bool = False, width: int = 100, **other: Any) -> str:
    line = event_line(event(kind, **other), with_thread=with_thread)
    return "\n".join(row.replace("│ ", "", 1) for row in rows_of([line], width))


def styles(kind: str, **data: Any) -> dict[str, str]:
    return {text.strip(): style for text, style in event_line(event(kind, data=data)).parts}


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("task_start", {}, "▸ tools"),
        ("task_end", {"duration_ms": 1430.2}, "✓ tools  1.4 s"),
        ("task_end", {"result": {"total": "12"}}, "✓ tools  total: 12"),
        ("interrupt", {"value": "Why?"}, "? tools  asks  Why?"),
        ("interrupt", {"value": {"action_requests": [{"name": "a"}, {"name": "b"}]}}, "asks  a, b"),
        ("interrupt", {"value": [{"action_request": {"action": "send"}}]}, "asks  send"),
        ("task_error", {"error": "ValueError: no", "duration_ms": 84}, "no  after 84 ms"),
        ("update", {"value": {"a": 1}}, "· tools  a: 1"),
        ("update", {"value": {"messages": [{"type": "ai", "content": "hi"}]}}, "messages: ai: hi"),
        (
            "task_end",
            {
                "result": {
                    "messages": '[{"__type__": "langchain_core.messages.ai.AIMessage",'
                    ' "content": "\\"hi\\"", "id": "x"}]'
                }
            },
            'messages: ai: "hi"',
        ),
        ("custom", {"value": [1, 2]}, "• tools  [1, 2]"),
        (
            "decision",
            {"tools": ["send", "wipe"], "verdicts": ["edit", "reject"], "decided_by": "anna"},
            "● tools  approve edited send, reject wipe  by anna",
        ),
        ("resume", {"ids": ["a", "b"]}, "» tools  resumes with 2 answers"),
        ("applied", {"detail": ""}, "✓ tools  applied"),
        ("failed", {"detail": "it raised"}, "✗ tools  failed  it raised"),
        ("stale", {"detail": "gone"}, "∅ tools  stale, not applied  gone"),
        ("run_start", {"scenario_id": "mail", "condition_id": "c"}, "─ tools  run starts  mail c"),
        ("run_end", {}, "─ tools  run ends"),
        ("llm_call", {"model": "m", "tokens_in": 1200, "latency_ms": 84}, "model  m 1,200 in"),
        ("action_proposed", {"tool_name": "send", "tool_args": {"to": "x"}}, "send  to: x"),
        ("approval_requested", {"policy_reason": "high risk"}, "? tools  asks a person  high risk"),
        ("approval_decided", {"approved": True, "decided_by": "ann"}, "● tools  approve  by ann"),
        ("approval_decided", {"approved": False}, "reject  by somebody"),
        ("approval_decided", {"approved": True, "edited_args": {}}, "approve edited"),
        ("approval_decided", {"approved": False, "response": "no"}, "respond  by"),
        ("tool_execution_start", {"tool_name": "send"}, "» tools  runs  send"),
        ("tool_execution_end", {"success": True, "execution_time_ms": 84}, "ran  after 84 ms"),
        ("tool_execution_end", {"success": False, "error": "no"}, "• tools  no"),
        ("error", {"error_type": "ValueError", "error_message": "no"}, "✗ tools  ValueError: no"),
        ("something_new", {"a": 1}, "· tools  something_new  a: 1"),
    ],
)
def test_every_kind_says_what_happened(kind: str, data: dict[str, Any], words: str) -> None:
    text = shown(kind, data=data)
    assert text.startswith("12:04:31 ")
    assert words in text


def test_a_superstep_separates_within_a_thread_and_is_a_line_among_many() -> None:
    assert shown("superstep", node="", data={"step": 4}, width=40).startswith("──────── step 4 ───")
    assert shown("superstep", node="", data={"step": 4}, with_thread=True) == (
        "12:04:31 ─ t-1           step 4"
    )


def test_subgraphs_are_indented() -> None:
    outer, inner = shown("task_start"), shown("task_start", ns="research:1|search:2")
    assert inner.index("tools") - outer.index("tools") == 4


def test_only_what_matters_has_a_colour() -> None:
    assert styles("task_error", error="boom")["boom"] == "$bad"
    assert styles("interrupt", value="why")["asks"] == "$warn"
    assert styles("task_end", duration_ms=5)["5\u00a0ms"] == "$faint"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "kind", ["task_error", "custom", "decision", "update", "weird\x1b[2J", *TELEMETRY]
)
def test_hostile_text_is_inert(kind: str, text: str) -> None:
    names = ("tool_name", "tool_args", "decided_by", "policy_reason", "model", "scenario_id")
    data = dict.fromkeys(names, text) | {
        "error": text,
        "value": {text: text},
        "tools": [text],
        "verdicts": [text],
        text: 1,
    }
    rows = shown(kind, data=data, node=text, ns=text)
    assert all(
        unicodedata.category(char) not in ("Cc", "Cf", "Co") for char in rows if char != "\n"
    )


@pytest.mark.parametrize("value", [None, 1, "", [], {}, [{}], {"action_requests": 3}, [None]])
def test_odd_data_is_shown_somehow(value: Any) -> None:
    kinds = ("interrupt", "update", "decision", "failed", "resume", "superstep", "task_end")
    names = ("tool_name", "tool_args", "latency_ms", "tokens_in", "success", "edited_args")
    for kind in (*kinds, *TELEMETRY):
        data = dict.fromkeys(names, value) | {
            "value": value,
            "result": value,
            "detail": value,
            "step": value,
            "tools": [],
        }
        assert shown(kind, data=data)


def test_a_message_keeps_its_lines_and_says_what_is_missing() -> None:
    rows = rows_of(said_lines(event("token"), "one\ntwo", with_thread=False), 60)
    assert rows == ["12:04:31 ❝ │ tools  one", "           │ two"]
    rows = rows_of(said_lines(event("token"), "x" * (MAX_SAID + 5)), 60)
    assert rows[-1].strip() == "+5 characters not shown"


def test_long_values_say_how_much_is_cut() -> None:
    assert brief("x" * 1000).endswith("… +600 characters")


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("email-0001", "email-0001"),
        ("3f2a9c10-77aa-4bcd-9911-0123456789ab", "3f2a9c10…+28"),
        ("a-very-long-thread-name-0012", "+20…ame-0012"),
    ],
)
def test_threads_have_short_names(name: str, short: str) -> None:
    assert short_thread(name) == short


def test_durations() -> None:
    assert [duration(ms) for ms in (0.4, 84, 1430, 125_000)] == [
        "0 ms",
        "84 ms",
        "1.4 s",
        "2 m 05 s",
    ]


def token(text: str, message: str = "m1", thread: str = "t-1", **other: Any) -> Event:
    return Event(thread, "token", at=AT, data={"message_id": message, "text": text}, **other)


def test_tokens_of_one_message_are_joined_across_batches_and_threads() -> None:
    buffer = TraceBuffer()
    first = buffer.add([token("Hel"), token("Bon", thread="t-2"), token("lo")])
    second = buffer.add([token("jour", thread="t-2"), event("custom")])
    assert ["".join(entry.said or []) for entry in buffer.entries] == ["Hello", "Bonjour", ""]
    assert [len(first.new), len(first.grown), len(second.new), len(second.grown)] == [2, 0, 1, 1]


def test_a_task_told_by_stream_and_checkpoint_is_shown_once() -> None:
    buffer = TraceBuffer()
    buffer.add([event("task_end", task_id="a", id=7), event("task_end", task_id="a", id=0)])
    buffer.add([event("task_end", task_id="b", id=0), event("task_end", task_id="b", id=8)])
    buffer.add([event("task_end", task_id="c", id=0)])
    assert [(entry.event.task_id, entry.event.id) for entry in buffer.entries] == [
        ("a", 7),
        ("b", 0),
        ("c", 0),
    ]


def test_errors_are_never_taken_for_repetitions() -> None:
    buffer = TraceBuffer()
    buffer.add([event("task_error", task_id="a", id=0), event("task_error", task_id="a", id=3)])
    assert len(buffer.entries) == 2


def test_the_ring_forgets_the_oldest_and_counts_them() -> None:
    buffer = TraceBuffer()
    buffer.add(event("custom", data={"value": n}) for n in range(LIMIT + SLACK))
    assert buffer.dropped == 0
    added = buffer.add([event("custom")])
    assert (len(buffer.entries), buffer.dropped, len(added.dropped)) == (LIMIT, 501, 501)
    assert "501 earlier events dropped" in render_text([buffer.note()], 60)[0]


def test_a_forgotten_message_begins_anew() -> None:
    buffer = TraceBuffer(limit=10)
    buffer.add([token("old ")])
    buffer.add(event("custom") for _ in range(10 + SLACK))
    added = buffer.add([token("new")])
    assert "".join(added.new[0].said or []) == "new"
