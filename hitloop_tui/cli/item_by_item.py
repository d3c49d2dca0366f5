"""Commands on several ids: each has its own outcome, and none stops the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import click

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.find import Finder, Found
from hitloop_tui.attach.session import Session
from hitloop_tui.cli import text
from hitloop_tui.cli.narration import BAD_INPUT, CONFLICT, DONE, FAILED, print_json
from hitloop_tui.errors import DatabaseError, HitloopError

IDS = click.argument("ids", metavar="ID...", nargs=-1, required=True)
ID = click.argument("ids", metavar="ID", nargs=1, required=True, callback=lambda _c, _p, v: (v,))
_EXIT = {
    "recorded": DONE,
    "already_decided": CONFLICT,
    "stale": CONFLICT,
    "invalid": BAD_INPUT,
    "failed": FAILED,
}


def item_by_item(
    session: Session, ids: Sequence[str], one: Callable[[Found], Outcome], *, as_json: bool
) -> NoReturn:
    """Do `one` for each id, print the outcomes, close the session and exit."""
    finder = Finder(session.inbox)
    outcomes = [_outcome(id_, finder, one) for id_ in ids]
    session.close()
    if as_json:
        print_json([outcome.to_json() for outcome in outcomes])
    else:
        text.print_outcomes(outcomes)
    sys.exit(_exit_code(outcomes))


def _outcome(id_: str, finder: Finder, one: Callable[[Found], Outcome]) -> Outcome:
    """What became of one id. Anything wrong with it is its own outcome."""
    try:
        return one(finder.find(id_))
    except DatabaseError as error:
        return Outcome(id_, "failed", detail=str(error))
    except HitloopError as error:
        return Outcome(id_, "invalid", detail=str(error))


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    """The gravest: bad input, then a failure, then a conflict."""
    codes = {_EXIT[outcome.outcome] for outcome in outcomes}
    return next(code for code in (BAD_INPUT, FAILED, CONFLICT, DONE) if code in codes)
