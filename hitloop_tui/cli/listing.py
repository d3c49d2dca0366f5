"""`ls` and `show`: the inbox and one Review, as text or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from hitloop_tui.attach.find import Finder
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import OPEN_STATES, Identity, Review, State
from hitloop_tui.attach.session import Session
from hitloop_tui.cli import text
from hitloop_tui.cli.narration import print_json
from hitloop_tui.cli.options import FILE, database_options, json_option, open_session

STATES = click.Choice([*(state.value for state in State), "all"])
RISKS = click.Choice(["high", "medium", "low", "unrated"])
CONTEXT = 8
"""Messages that `show` prints."""


@click.command()
@click.argument("argument", metavar="[DB]", type=FILE, required=False)
@database_options
@json_option
@click.option("--state", "states", type=STATES, multiple=True, help="Only these states.")
@click.option("--risk", "risks", type=RISKS, multiple=True, help="Only these risks.")
@click.option("--tool", metavar="GLOB", help="Only Reviews with a tool of this name.")
@click.option("--thread", metavar="T", help="Only this thread.")
def ls(
    argument: Path | None,
    db: Path | None,
    ledger: Path | None,
    as_json: bool,
    states: tuple[str, ...],
    risks: tuple[str, ...],
    tool: str | None,
    thread: str | None,
) -> None:
    """List the inbox, newest first.

    Without --state: every Review that still needs a person or a worker.
    """
    session = open_session(argument, db, ledger)
    found = [
        shown
        for shown in _all(session, states)
        if (not risks or (shown["risk_class"] or "unrated") in risks)
        and (tool is None or any(fnmatchcase(a["tool_name"], tool) for a in shown["actions"]))
        and (thread is None or shown["thread_id"] == thread)
    ]
    found.sort(key=lambda shown: (shown["requested_at"], shown["id"]), reverse=True)
    session.close()
    if as_json:
        print_json(found)
    else:
        text.print_inbox(found)


def _all(session: Session, states: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What is open now; when states are named, also what was decided and is over."""
    wanted = {State(state) for state in states if state != "all"} or set(OPEN_STATES)
    if "all" in states:
        wanted = set(State)
    listed = set()
    if wanted & OPEN_STATES:
        for review in session.inbox.reviews():
            listed.add(review.key)
            if review.state in wanted:
                yield review.to_json()
    if states:
        past = (record for record in session.ledger.records() if record.key not in listed)
        yield from (as_decided(record) for record in past if record.state in wanted)


@click.command()
@click.argument("id_", metavar="ID")
@database_options
@json_option
def show(id_: str, db: Path | None, ledger: Path | None, as_json: bool) -> None:
    """Show one Review, whole."""
    session = open_session(None, db, ledger)
    found = Finder(session.inbox).find(id_)
    match found:
        case Review():
            shown = found.to_json()
            messages = session.source.messages(found.thread_id, CONTEXT)
        case Record():
            shown, messages = as_decided(found), []
        case Identity():
            shown, messages = _gone(found), []
    shown["messages"] = [
        {"role": m.role, "text": m.text, "tool_calls": list(m.tool_calls)} for m in messages
    ]
    session.close()
    if as_json:
        print_json(shown)
    else:
        text.print_review(shown)


def as_decided(record: Record) -> dict[str, Any]:
    """The Review as it was decided, with what became of it."""
    said = {str(n + 1): verdict.to_json() for n, verdict in enumerate(record.verdicts)}
    return {
        **record.review,
        "state": record.state.value,
        "detail": record.detail,
        "allowed": [],
        "decided_by": record.decided_by,
        "decided_at": record.decided_at,
        "account": record.account,
        "verdicts": said,
        "answer": record.answer,
    }


def _gone(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.id,
        "key": identity.key,
        "thread_id": identity.thread_id,
        "checkpoint_id": identity.checkpoint_id,
        "interrupt_id": identity.interrupt_id,
        "state": State.STALE.value,
        "detail": "the thread moved on without an answer from here",
        "actions": [],
        "allowed": [],
    }
