"""A worker's pulse, from a thread of its own: a node that blocks the event loop is not a death."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from hitloop_tui.attach.leases import HEARTBEAT_S, RESTING_S, Leases
from hitloop_tui.errors import DatabaseError

_log = logging.getLogger(__name__)


class Heartbeat:
    """Beats until closed, seldom while the worker is not `busy`: every beat wakes all watchers."""

    def __init__(self, leases: Leases, busy: Callable[[], bool]) -> None:
        self._leases = leases
        self._busy = busy
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        rested = 0.0
        while not self._stop.wait(HEARTBEAT_S):
            rested += HEARTBEAT_S
            if not self._busy() and rested < RESTING_S:
                continue
            rested = 0.0
            try:
                self._leases.beat()
            except DatabaseError as error:
                _log.warning("heartbeat: %s", error)
