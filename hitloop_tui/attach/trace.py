"""What happened on threads, in order: from checkpoints, the ledger's events, and telemetry."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from hitloop_tui.attach.events import Event
from hitloop_tui.attach.masks import MASKS, Masks

SETTLE_S = 0.05
"""How long news are kept back. A checkpoint is read at once, a logger commits after 25 ms and a
worker after 40: told as they come, an answer would stand before its question."""


class Stream(Protocol):
    """Where events come from."""

    def events_since(
        self, cursor: Any, *, thread_id: str | None = None
    ) -> tuple[list[Event], Any]: ...


class Trace:
    """A cursor over several streams. Not thread-safe."""

    def __init__(
        self, streams: Sequence[Stream], thread_id: str | None = None, masks: Masks = MASKS
    ) -> None:
        self._cursors: dict[Stream, Any] = dict.fromkeys(streams)
        self._thread_id = thread_id
        self._masks = masks
        self._began = False
        self._held: list[tuple[float, Event]] = []
        """With the time to sort by: a clock that is ahead, or was set back meanwhile, must not hold
        an event for long."""

    def poll(self) -> list[Event]:
        """New events since the last call, in time order; the recent past on the first call.

        What happened in the last `SETTLE_S` is told by a later call: make one while it `holds`.
        """
        now = time.time()
        for stream, cursor in self._cursors.items():
            events, self._cursors[stream] = stream.events_since(cursor, thread_id=self._thread_id)
            self._held += [(event.at, event) for event in events]
        due = now - SETTLE_S
        if not self._began:
            self._began, due = True, math.inf
            self._held = _with_questions_placed(self._held)
        self._held = sorted(((min(at, now), event) for at, event in self._held), key=_when)
        count = bisect_right(self._held, due, key=_when)
        told, self._held = self._held[:count], self._held[count:]
        return [replace(event, data=self._masks.everywhere(event.data)) for _, event in told]

    @property
    def holds(self) -> bool:
        """Whether something is kept back."""
        return bool(self._held)


def _when(held: tuple[float, Event]) -> float:
    return held[0]


def _with_questions_placed(past: Sequence[tuple[float, Event]]) -> list[tuple[float, Event]]:
    """Checkpoints do not tell when in its superstep a question was asked; a gate's logger does."""
    logged: defaultdict[str, list[float]] = defaultdict(list)
    steps: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for at, event in past:
        if event.kind == "approval_requested":
            logged[event.thread_id].append(at)
        elif event.kind == "superstep":
            steps[event.thread_id, event.ns].append(at)

    def placed(at: float, event: Event) -> tuple[float, Event]:
        if event.kind != "interrupt" or event.id:
            return at, event
        asked = _first_after(at, logged[event.thread_id])
        if asked == math.inf or asked > _first_after(at, steps[event.thread_id, event.ns]):
            return at, event
        return asked + 1e-6, replace(event, at=asked + 1e-6)

    return [placed(at, event) for at, event in past]


def _first_after(moment: float, times: Sequence[float]) -> float:
    return min((at for at in times if at > moment), default=math.inf)
