"""A worker's pulse, from a thread of its own: a node that blocks the event loop is not a death."""

from __future__ import annotations

import logging
import threading

from hitloop_tui.attach.leases import HEARTBEAT_S, Leases
from hitloop_tui.errors import DatabaseError

_log = logging.getLogger(__name__)


class Heartbeat:
    """Beats until closed."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                self._leases.beat()
            except DatabaseError as error:
                _log.warning("heartbeat: %s", error)
