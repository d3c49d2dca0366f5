"""What open telemetry files do when the process forks, and when it ends."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import weakref
from typing import Protocol

from hitloop_tui.errors import DatabaseError

_log = logging.getLogger(__name__)


class OpenFile(Protocol):
    """The part of a `TelemetryFile` that is called here."""

    @property
    def waiting(self) -> int: ...

    def hold(self) -> None: ...

    def release(self) -> None: ...

    def start_over(self) -> None: ...

    def close(self) -> None: ...


opened: weakref.WeakSet[OpenFile] = weakref.WeakSet()
_held: list[OpenFile] = []


def _before_fork() -> None:
    _held[:] = opened
    for file in _held:
        file.hold()


def _in_parent() -> None:
    for file in _held:
        file.release()


def _in_child() -> None:
    for file in _held:
        file.start_over()
    # A child of `multiprocessing` leaves without atexit, and forgets what was to be done before.
    if util := sys.modules.get("multiprocessing.util"):
        util.register_after_fork(opened, lambda _: util.Finalize(None, _at_exit, exitpriority=0))


def _at_exit() -> None:
    for file in list(opened):
        try:
            file.close()
        except DatabaseError as error:
            _log.critical("%s; %d events are lost", error, file.waiting)


os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
atexit.register(_at_exit)
