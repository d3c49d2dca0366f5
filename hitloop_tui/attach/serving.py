"""The command `hitloop-tui worker`: a process that hosts graphs until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections import Counter
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hitloop_tui.attach.graph_file import load_module
from hitloop_tui.attach.graph_ref import GraphRef
from hitloop_tui.attach.inert_output import inert_output, narrating
from hitloop_tui.attach.masks import MASKS, Masks
from hitloop_tui.errors import ConfigError

if TYPE_CHECKING:
    from hitloop_tui.attach.worker import Worker

T = TypeVar("T")

_log = logging.getLogger(__name__)

APPLIED, FAILED, NOT_APPLIED = 0, 1, 3


def run_worker(
    db: Path,
    ledger: Path | None,
    refs: Sequence[GraphRef],
    *,
    once: bool = False,
    masks: Masks = MASKS,
) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP, or with `once` until nothing recorded is left.

    Writes nothing to standard output; what graphs print goes to standard error, behind a gutter.
    With `once`, 1 when an attempt failed or its end is unknown, 3 when one was stale or blocked,
    else 0.
    """
    if not refs:
        raise ConfigError("a worker needs graphs: --graph NAME=FILE.py:VARIABLE or --config FILE")
    # Read by LangGraph when it is imported. Set to false by hand, every type is built.
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    with asyncio.Runner() as runner:
        with inert_output() as own, narrating(own):
            for ref in refs:
                load_module(ref)  # outside the event loop: a file may call asyncio.run itself
            outcomes, cut_off = _run(runner.get_loop(), _serve(db, ledger, refs, once, masks))
        code = _exit_code(outcomes) if once else 0
        if cut_off:
            # A blocking node that was cut off still runs in a thread, which Python awaits.
            logging.shutdown()
            os._exit(code)
    return code


def _run(loop: asyncio.AbstractEventLoop, serving: Coroutine[Any, Any, T]) -> T:
    """Run to the end, whatever nodes do: a `sys.exit()` in one of them stops the event loop."""
    task = loop.create_task(serving)
    while True:
        try:
            return loop.run_until_complete(task)
        except SystemExit as error:
            if task.done():
                raise
            _log.error("a graph called sys.exit(%s); the worker goes on", error.code)


async def _serve(
    db: Path, ledger: Path | None, refs: Sequence[GraphRef], once: bool, masks: Masks
) -> tuple[Counter[str], bool]:
    from hitloop_tui.attach.canary import require_strict, wanted_off
    from hitloop_tui.attach.graph_types import warn_of_blocked_types
    from hitloop_tui.attach.graphs import open_graphs
    from hitloop_tui.attach.worker import Worker

    warn_of_blocked_types()
    async with open_graphs(refs) as graphs:
        if wanted_off():
            _log.warning("strict decoding is off: whoever writes the database can run code here")
        else:
            require_strict(graphs.values())
        async with Worker(graphs, db, ledger, once=once, masks=masks) as worker:
            _stop_on_signals(worker)
            _log.info("worker %s hosts %s on %s", worker.id, ", ".join(graphs), db)
            await worker.ended()
        _log.info("worker %s ends: %s", worker.id, dict(worker.outcomes) or "nothing was applied")
        return worker.outcomes, worker.cut_off


def _stop_on_signals(worker: Worker) -> None:
    """The first signal lets running resumes finish, the second one does not."""
    told = False

    def stop() -> None:
        nonlocal told
        if told:
            worker.hurry()
        told = True
        worker.stop()

    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop)
    if os.getsid(0) == os.getpid():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGHUP, stop)


def _exit_code(outcomes: Counter[str]) -> int:
    if outcomes["failed"] or outcomes["uncertain"]:
        return FAILED
    return NOT_APPLIED if outcomes["stale"] or outcomes["blocked"] else APPLIED
