"""`approve`, `reject`, `edit`, `respond`, `ignore`: one engine with the console."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from hitloop_tui.attach.decide import Outcome, decide
from hitloop_tui.attach.find import Finder
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.person import this_person
from hitloop_tui.attach.review import Identity, Kind, Review, Verdict
from hitloop_tui.cli import text
from hitloop_tui.cli.narration import BAD_INPUT, CONFLICT, DONE, FAILED, print_json
from hitloop_tui.cli.options import F, as_option, database_options, json_option, open_session
from hitloop_tui.errors import BadInput, DatabaseError, HitloopError

IDS = click.argument("ids", metavar="ID...", nargs=-1, required=True)
ID = click.argument("ids", metavar="ID", nargs=1, required=True, callback=lambda _c, _p, v: (v,))
_EXIT = {
    "recorded": DONE,
    "already_decided": CONFLICT,
    "stale": CONFLICT,
    "invalid": BAD_INPUT,
    "failed": FAILED,
}


def decision_options(command: F) -> F:
    command = json_option(as_option(database_options(command)))
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
    stated: str | None,
    db: Path | None,
    ledger: Path | None,
    as_json: bool,
) -> None:
    session = open_session(None, db, ledger)
    person = this_person(stated)
    finder = Finder(session.inbox)

    def one(review: Review) -> Outcome:
        return decide(session.inbox, review, _verdicts(review, verdict, action), person)

    outcomes = [_outcome(id_, finder, one) for id_ in ids]
    session.close()
    if as_json:
        print_json([outcome.to_json() for outcome in outcomes])
    else:
        text.print_outcomes(outcomes)
    sys.exit(_exit_code(outcomes))


def _outcome(id_: str, finder: Finder, decide_one: Callable[[Review], Outcome]) -> Outcome:
    """What became of one id. Anything wrong with it is its own outcome and stops no other."""
    try:
        found = finder.find(id_)
        match found:
            case Review() if found.decided_by is None:
                return decide_one(found)
            case Review() | Record():
                short = found.id if isinstance(found, Review) else found.identity.id
                detail = found.detail or f"its state is {found.state.value}"
                return Outcome(short, "already_decided", found.decided_by, found.decided_at, detail)
            case Identity():
                return Outcome(found.id, "stale", detail="the thread moved on")
    except DatabaseError as error:
        return Outcome(id_, "failed", detail=str(error))
    except HitloopError as error:
        return Outcome(id_, "invalid", detail=str(error))


def _verdicts(review: Review, verdict: Verdict, action: int | None) -> dict[int, Verdict]:
    """The verdict for the named Action, or for every Action that has none yet."""
    if action is not None:
        return {action - 1: verdict}
    count = len(review.actions)
    if verdict.kind is Kind.EDIT and count > 1:
        raise BadInput(f"the Review has {count} Actions: say which one with --action N")
    return {index: verdict for index in range(count) if index not in review.verdicts}


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    """The gravest: bad input, then a failure, then a conflict."""
    codes = {_EXIT[outcome.outcome] for outcome in outcomes}
    return next(code for code in (BAD_INPUT, FAILED, CONFLICT, DONE) if code in codes)


def _json(option: str, given: str) -> Any:
    try:
        return json.loads(given, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{option}: not JSON: {error}") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
