"""What a console is started with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.attach.person import Person
from hitloop_tui.hold import NO_HOLD, Hold


@dataclass(frozen=True, slots=True)
class Setup:
    """What a console is attached to."""

    db: Path
    person: Person
    ledger: Path | None = None
    telemetry: Path | None = None
    """Where the agents' logger writes, when that is not beside the database."""
    graphs: Sequence[str] = ()
    """`NAME=FILE.py:VAR`, as given with `--graph`."""
    config: Path | None = None
    """A `langgraph.json`."""
    read_only: bool = False
    hold: Hold = NO_HOLD
    """How long decisions wait for an undo."""
    masks: Masks = MASKS
    """What is shown only to who asks."""
    clock: Callable[[], float] = time.monotonic
    """For the grace period of decision keys."""

    @property
    def has_graphs(self) -> bool:
        return bool(self.graphs) or self.config is not None
