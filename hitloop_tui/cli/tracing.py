"""`trace`: what happened on threads, and what happens now."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import click

from hitloop_tui.attach.session import Session
from hitloop_tui.attach.trace import Trace
from hitloop_tui.attach.watch import FRAME_S, changes
from hitloop_tui.cli import text
from hitloop_tui.cli.narration import print_json_lines
from hitloop_tui.cli.options import (
    FILE,
    database_options,
    json_option,
    open_session,
    telemetry_option,
)


@click.command()
@click.argument("argument", metavar="[DB]", type=FILE, required=False)
@database_options
@telemetry_option
@json_option
@click.option("--thread", metavar="T", help="Only this thread, from its beginning.")
@click.option("--follow", "-f", is_flag=True, help="Keep printing what happens, until ctrl+c.")
def trace(
    argument: Path | None,
    db: Path | None,
    ledger: Path | None,
    telemetry: Path | None,
    as_json: bool,
    thread: str | None,
    follow: bool,
) -> None:
    """Print the trace; with --json one JSON object a line.

    It tells what checkpoints, the worker and the agents' TelemetryLogger say. DB may also be the
    file of a logger without a checkpointer. Which Actions carry an injected error is left out.
    """
    session = open_session(argument, db, ledger, telemetry)
    events = session.trace(thread)
    _print(events, as_json=as_json)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_follow(session, events, as_json=as_json))
    session.close()


def _print(events: Trace, *, as_json: bool) -> None:
    found = [event.to_json() for event in events.poll()]
    if as_json:
        print_json_lines(found)
        return
    for event in found:
        text.print_event(event)


async def _follow(session: Session, events: Trace, *, as_json: bool) -> None:
    async for _ in changes(session.watched, session.version):
        _print(events, as_json=as_json)
        while events.holds:
            await asyncio.sleep(FRAME_S)
            _print(events, as_json=as_json)
