"""`approve`, `reject`, `edit`, `respond`, `ignore`: one engine with the console."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.find import Found
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import Identity, Kind, Review, Verdict
from hitloop_tui.cli.item_by_item import ID, IDS, item_by_item
from hitloop_tui.cli.options import (
    F,
    as_option,
    database_options,
    json_option,
    open_session,
    sign_option,
    signing_person,
)
from hitloop_tui.config import read_settings
from hitloop_tui.core.strict_json import NotJson, parse_json
from hitloop_tui.errors import BadInput
from hitloop_tui.hold import NO_HOLD


def decision_options(command: F) -> F:
    command = json_option(sign_option(as_option(database_options(command))))
    command = click.option("--now", is_flag=True, help="Hand it to a worker at once: no undo.")(
        command
    )
    return click.option(
        "--action", type=click.IntRange(min=1), help="Only this Action of several, from 1."
    )(command)


@click.command()
@IDS
@click.option("--reason", help="A note for the record.")
@decision_options
def approve(ids: tuple[str, ...], reason: str | None, **options: Any) -> None:
    """Let the agent do what it proposes."""
    _decide_all(ids, Verdict(Kind.APPROVE, reason=reason), **options)


@click.command()
@IDS
@click.option("--reason", help="Why not; the agent may be told.")
@decision_options
def reject(ids: tuple[str, ...], reason: str | None, **options: Any) -> None:
    """Refuse; the tool does not run."""
    _decide_all(ids, Verdict(Kind.REJECT, reason=reason), **options)


@click.command()
@ID
@click.option("--args", "args", required=True, metavar="JSON", help="All arguments; - reads stdin.")
@click.option("--reason", help="A note for the record.")
@decision_options
def edit(ids: tuple[str, ...], args: str, reason: str | None, **options: Any) -> None:
    """Approve with other arguments, of the same shape and types."""
    value = _json("--args", sys.stdin.read() if args == "-" else args)
    if not isinstance(value, dict):
        raise BadInput(f"--args: must be a JSON object, not {type(value).__name__}")
    _decide_all(ids, Verdict(Kind.EDIT, args=value, reason=reason), **options)


@click.command()
@ID
@click.option("--text", help="The answer as text.")
@click.option("--value", metavar="JSON", help="The answer as JSON; - reads stdin.")
@decision_options
def respond(ids: tuple[str, ...], text: str | None, value: str | None, **options: Any) -> None:
    """Answer in the tool's place, or answer a question."""
    if (text is None) == (value is None):
        raise BadInput("give the answer as --text T or as --value JSON, one of them")
    answer: Any = text
    if value is not None:
        answer = _json("--value", sys.stdin.read() if value == "-" else value)
    _decide_all(ids, Verdict(Kind.RESPOND, value=answer), **options)


@click.command()
@IDS
@decision_options
def ignore(ids: tuple[str, ...], **options: Any) -> None:
    """Close the question without an answer, where the agent allows it."""
    _decide_all(ids, Verdict(Kind.IGNORE), **options)


def _decide_all(
    ids: Sequence[str],
    verdict: Verdict,
    *,
    action: int | None,
    now: bool,
    stated: str | None,
    key: Path | None,
    db: Path | None,
    ledger: Path | None,
    as_json: bool,
) -> NoReturn:
    person = signing_person(stated, key, read_settings())
    session = open_session(None, db, ledger, hold=NO_HOLD if now else None)

    def one(found: Found) -> Outcome:
        match found:
            case Review() if found.decided_by is None:
                verdicts = _verdicts(found, verdict, action)
                return decide(session.inbox, found, verdicts, person)
            case Review() | Record():
                short = found.id if isinstance(found, Review) else found.identity.id
                detail = found.detail or f"its state is {found.state.value}"
                return Outcome(short, "already_decided", found.decided_by, found.decided_at, detail)
            case Identity():
                return Outcome(found.id, "stale", detail="the thread moved on")

    item_by_item(session, ids, one, as_json=as_json)


def _verdicts(review: Review, verdict: Verdict, action: int | None) -> dict[int, Verdict]:
    """The verdict for the named Action, or for every Action that has none yet."""
    if action is not None:
        return {action - 1: verdict}
    count = len(review.actions)
    if verdict.kind is Kind.EDIT and count > 1:
        raise BadInput(f"the Review has {count} Actions: say which one with --action N")
    return {index: verdict for index in range(count) if index not in review.verdicts}


def _json(option: str, given: str) -> Any:
    try:
        return parse_json(given)
    except NotJson as error:
        raise BadInput(f"{option}: not JSON: {error}") from error
