"""`undo`, `retry`, `clear`, `done`, `dismiss`, `claim` and `release`: what can be done about a
Review besides deciding it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click

from hitloop_tui.attach import acts, orders
from hitloop_tui.attach.clearing import carried_out
from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.find import Found
from hitloop_tui.attach.leases import live_workers
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.person import Person, this_person
from hitloop_tui.attach.recorded import recorded_review
from hitloop_tui.attach.review import Act, Identity, Review
from hitloop_tui.attach.session import Session
from hitloop_tui.cli.item_by_item import IDS, item_by_item
from hitloop_tui.cli.options import F, as_option, database_options, json_option, open_session

CLAIM_S = 900.0
GONE = "the thread moved on: this question is gone"
NO_WORKER = "none is alive: start one"


def act_options(command: F) -> F:
    return IDS(json_option(as_option(database_options(command))))


@click.command()
@act_options
def undo(**options: Any) -> None:
    """Take back a decision that is still held; the question is open again."""
    _act_on_all(Act.UNDO, **options)


@click.command()
@act_options
def retry(**options: Any) -> None:
    """Run a failed or uncertain one again; its tool may run a second time."""
    _act_on_all(Act.RETRY, **options)


@click.command()
@act_options
def clear(**options: Any) -> None:
    """Take away the answer of a failed or uncertain one, to decide it anew.

    Without a live worker it is done at once, else by the worker.
    """
    _act_on_all(Act.CLEAR, **options)


@click.command()
@act_options
def done(**options: Any) -> None:
    """Say that an uncertain one is done: you have looked, and nothing is left to do."""
    _act_on_all(Act.DONE, **options)


@click.command()
@act_options
def dismiss(**options: Any) -> None:
    """Drop a decision that was not applied from the inbox; the ledger keeps it."""
    _act_on_all(Act.DISMISS, **options)


@click.command()
@act_options
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(1, 86400),
    default=CLAIM_S,
    show_default=True,
    help="Seconds.",
)
def claim(seconds: float, **options: Any) -> None:
    """Tell the others that you are looking at it; they can still decide."""

    def one(session: Session, person: Person, review: Review) -> Outcome:
        other = orders.claim(session.ledger, review.key, person, seconds)
        if other is not None:
            detail = f"{other.by} is looking at it until {other.until}"
            return Outcome(review.id, "already_decided", other.by, None, detail)
        until = session.ledger.claims()[review.key].until
        return Outcome(review.id, "recorded", person.decided_by, None, f"claimed until {until}")

    _each(one, closed=False, **options)


@click.command()
@act_options
def release(**options: Any) -> None:
    """End a claim of yours."""

    def one(session: Session, person: Person, review: Review) -> Outcome:
        orders.release(session.ledger, review.key, person)
        left = session.ledger.claims().get(review.key)
        if left is not None:
            return Outcome(review.id, "already_decided", left.by, None, f"{left.by} claims it")
        return Outcome(review.id, "recorded", person.decided_by, None, "nobody claims it")

    _each(one, closed=False, **options)


def _act_on_all(what: Act, **options: Any) -> NoReturn:
    def one(session: Session, person: Person, review: Review) -> Outcome:
        outcome = acts.act(session.inbox, review, what, person)
        return _followed(session, review, what, outcome)

    _each(one, closed=True, **options)


def _followed(session: Session, review: Review, what: Act, outcome: Outcome) -> Outcome:
    """An outcome with what a worker made of it, where one must do something."""
    if outcome.outcome != "recorded" or what not in orders.NEEDS_WORKER:
        return outcome
    file = session.ledger.file
    if what is Act.RETRY:
        detail = outcome.detail if live_workers(file) else f"{outcome.detail}; {NO_WORKER}"
        return replace(outcome, detail=detail)
    ended = carried_out(session.db, file, review.key)
    match ended.outcome:
        case None:
            why = f": {ended.detail}" if ended.detail else ""
            return replace(outcome, detail=f"waiting for a worker{why}")
        case "applied":
            return replace(outcome, detail="cleared: the question is open again")
        case "stale":
            return replace(outcome, outcome="stale", detail=ended.detail)
    return replace(outcome, outcome="failed", detail=ended.detail)


def _each(
    work: Callable[[Session, Person, Review], Outcome],
    *,
    closed: bool,
    ids: tuple[str, ...],
    stated: str | None,
    db: Path | None,
    ledger: Path | None,
    as_json: bool,
) -> NoReturn:
    """`work` on each Review, and on one that is over when that is for `work` to judge."""
    session, person = open_session(None, db, ledger), this_person(stated)

    def one(found: Found) -> Outcome:
        match found:
            case Identity():
                return Outcome(found.id, "stale", detail=GONE)
            case Record() if not closed:
                detail = f"it is {found.state.value}, and no longer open"
                return Outcome(found.identity.id, "stale", detail=detail)
            case Record():
                return work(session, person, recorded_review(found))
            case Review():
                return work(session, person, found)

    item_by_item(session, ids, one, as_json=as_json)
