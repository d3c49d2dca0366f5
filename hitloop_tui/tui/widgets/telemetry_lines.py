"""What a `TelemetryLogger` tells, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hitloop_tui.attach.events import Event
from hitloop_tui.attach.review import Kind
from hitloop_tui.safetext import Safe
from hitloop_tui.tui.content import BAD, FAINT, MUTED, WARN
from hitloop_tui.tui.glyphs import G
from hitloop_tui.tui.widgets.brief import MAX_VALUE, brief, tied
from hitloop_tui.tui.widgets.card_sections import VERDICT_WORDS
from hitloop_tui.tui.widgets.rows import GAP, Part, own
from hitloop_tui.tui.widgets.values import named

Words = tuple[Part, ...]


def _run_started(event: Event) -> Words:
    return (own("run starts"), MUTED), *_after(_given(event, "scenario_id", "condition_id"))


def _run_ended(event: Event) -> Words:
    return ((own("run ends"), MUTED),)


def _model_called(event: Event) -> Words:
    counts = {"in": event.data.get("tokens_in"), "out": event.data.get("tokens_out")}
    tokens = [own(f"{count:,} {way}") for way, count in counts.items() if isinstance(count, int)]
    words = _after([*_given(event, "model"), *tokens])
    return (own("model"), MUTED), *words, _took(event, "latency_ms")


def _proposed(event: Event) -> Words:
    args = brief(event.data.get("tool_args"), MAX_VALUE)
    return (own(f"proposes{GAP}"), MUTED), *_tool(event), *_after([args])


def _asked(event: Event) -> Words:
    return (own("asks a person"), WARN), *_after([brief(event.data.get("policy_reason"))])


def _decided(event: Event) -> Words:
    word, style = _verdict(event.data)
    by = named(str(event.data.get("decided_by") or "somebody"), MAX_VALUE, MUTED)
    return (own(word), style), (own(f"{GAP}by "), MUTED), *by, _took(event, "latency_ms")


def _verdict(data: dict[str, Any]) -> tuple[str, str]:
    if data.get("response") is not None:
        kind = Kind.RESPOND
    elif not data.get("approved"):
        kind = Kind.REJECT
    else:
        kind = Kind.APPROVE if data.get("edited_args") is None else Kind.EDIT
    _, word, style = VERDICT_WORDS[kind]
    return word, style


def _tool_started(event: Event) -> Words:
    return (own(f"runs{GAP}"), MUTED), *_tool(event)


def _tool_ended(event: Event) -> Words:
    took = _took(event, "execution_time_ms")
    if event.data.get("success"):
        return (own("ran"), MUTED), took
    return (brief(event.data.get("error") or "failed"), BAD), took


def _took(event: Event, name: str) -> Part:
    took = event.data.get(name)
    if not isinstance(took, int | float) or took <= 0:
        return own(""), FAINT
    return own(f"{GAP}after {tied(took)}"), FAINT


def _tool(event: Event) -> Words:
    return named(str(event.data.get("tool_name") or "?"), MAX_VALUE)


def _given(event: Event, *names: str) -> list[Safe]:
    return [brief(value, MAX_VALUE) for name in names if (value := event.data.get(name))]


def _after(words: list[Safe]) -> Words:
    """Second to what stands before; nothing when there are none."""
    told = " ".join(word for word in words if word)
    return ((own(f"{GAP}{told}"), MUTED),) if told else ()


TELEMETRY: dict[str, tuple[str, str, Callable[[Event], Words]]] = {
    "run_start": (G.dash, MUTED, _run_started),
    "run_end": (G.dash, MUTED, _run_ended),
    "llm_call": (G.dot, MUTED, _model_called),
    "action_proposed": (G.bullet, MUTED, _proposed),
    "approval_requested": ("?", WARN, _asked),
    "approval_decided": (G.live, MUTED, _decided),
    "tool_execution_start": (G.applying, MUTED, _tool_started),
    "tool_execution_end": (G.bullet, MUTED, _tool_ended),
}
"""Glyph, style and words by kind of event."""
