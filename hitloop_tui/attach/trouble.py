"""Databases that cannot be used just now: locked, full, being replaced, or away."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hitloop_tui.errors import DatabaseError

_log = logging.getLogger(__name__)

T = TypeVar("T")

TROUBLE = (DatabaseError, sqlite3.Error, OSError)
"""What such a database raises, here or in LangGraph's saver."""
PATIENCE_S = 60.0
AGAIN_S = 0.5


async def patiently(work: Callable[[], Awaitable[T]], patience_s: float = PATIENCE_S) -> T:
    """Do it again while a database is locked, full or away. Raises what was in the way in the end;
    nothing that may have run a tool belongs in here."""
    until = time.monotonic() + patience_s
    while True:
        try:
            return await work()
        except TROUBLE as error:
            if time.monotonic() > until:
                raise
            _log.warning("waiting: %s", error)
        await asyncio.sleep(AGAIN_S)
