"""From a key to a recorded verdict: what is asked of the person on the way, and what is said after.

A decision is bound to the Review and the Action that were on the card when the key was pressed,
however long a dialog stays open and whatever arrives meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

from textual.content import Content
from textual.screen import ModalScreen

from hitloop_tui.attach.decide import Outcome
from hitloop_tui.attach.form import fields_of
from hitloop_tui.attach.inbox import Row
from hitloop_tui.attach.review import APPROVALS, RISK_ORDER, Kind, Review, State, Verdict
from hitloop_tui.safetext import Safe, safe
from hitloop_tui.tui import verdicts
from hitloop_tui.tui.acts import tools
from hitloop_tui.tui.arming import HIDDEN, LOOK
from hitloop_tui.tui.content import MUTED, STRONG, WARN, own, text
from hitloop_tui.tui.desk import Desk
from hitloop_tui.tui.dialogs import (
    ConfirmDialog,
    EditDialog,
    FormDialog,
    NameDialog,
    ReasonDialog,
    Respond,
    RespondDialog,
)
from hitloop_tui.tui.dialogs.frame import about
from hitloop_tui.tui.holding import Holding
from hitloop_tui.tui.widgets.card import Card
from hitloop_tui.tui.widgets.rows import BLANK, Line
from hitloop_tui.tui.widgets.values import QUOTED, machine

WHY = "Why? The agent reads it. Enter alone gives no reason."
LISTED = 12
"""Reviews named one by one before a decision on many."""

UNREAD = "high risk is approved together only after each was read to its end"
SLOW_S = 0.5
_SLOW = own("not recorded yet: waiting for a file that another program has locked", WARN)

T = TypeVar("T")


class Screen(Protocol):
    """What deciding needs of the screen it happens on."""

    @property
    def card(self) -> Card: ...

    @property
    def armed(self) -> bool:
        """Whether the card has been there long enough to be read."""
        ...

    async def ask(self, work: Callable[[Desk], T]) -> T: ...

    async def ask_person(self, dialog: ModalScreen[T]) -> T | None: ...

    async def ask_about(self, review: Review, dialog: ModalScreen[T]) -> T | None:
        """Ask, and tell in the dialog what becomes of the Review meanwhile."""
        ...

    def flash(self, said: Content) -> None: ...

    async def decided(self, review: Review, outcome: Outcome) -> None: ...


class Deciding:
    """The verdict flows."""

    def __init__(self, screen: Screen, holding: Holding, me: str, *, read_only: bool) -> None:
        """`me` is the `decided_by` of the person at this console."""
        self._screen = screen
        self._holding = holding
        self._me = me
        self._read_only = read_only
        self._under_way: set[str] = set()

    def why_not(self, kind: Kind) -> str | None:
        """Why this verdict cannot be given on what is on the card; None when it can."""
        card = self._screen.card
        if card.review is not None and card.review.key in self._under_way:
            return "this Review is being decided"
        if self._read_only:
            return "this console is read-only"
        return verdicts.why_not(card.review, card.action_index, kind, self._me)

    def press(self, kind: Kind) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """A decision key was pressed: what to do about it, or None when it does nothing."""
        card = self._screen.card
        shown, index = card.review, card.action_index
        if (why := self.why_not(kind)) is not None:
            self._screen.flash(text(safe(why), WARN))
        elif not self._screen.armed:
            self._screen.flash(own(LOOK if card.in_view else HIDDEN, MUTED))
        elif shown is not None:
            return partial(self._decide, kind, shown, index)
        return None

    async def _decide(self, kind: Kind, shown: Review, index: int) -> None:
        """Ask what the verdict needs, and record it on one Action of the shown Review."""
        self._under_way.add(shown.key)
        try:
            verdict = await self._verdict(kind, shown, index)
            if verdict is None:
                return
            outcome, became = await self._record(shown, {index: verdict})
        finally:
            self._under_way.discard(shown.key)
        self._holding.add([became] if outcome.outcome == "recorded" else [])
        if became.state is State.HELD:  # the status line counts down
            outcome = replace(outcome, detail="")
        self._screen.flash(verdicts.said(outcome, shown, index, kind))
        await self._screen.decided(shown, outcome)

    async def decide_many(self, kind: Kind, rows: Sequence[Row]) -> bool:
        """Decide all Actions of many Reviews alike, after a look at the list; False if not."""
        if self._read_only:
            self._screen.flash(own("this console is read-only", WARN))
            return False
        reviews = await self._screen.ask(lambda desk: desk.reviews(rows))
        reason = None
        if kind is Kind.REJECT:
            reason = await self._screen.ask_person(
                ReasonDialog(own(f"Reject {len(reviews)} marked", STRONG), WHY)
            )
            if reason is None:
                return False
        verdict = Verdict(kind, reason=reason or None)
        plan = [(review, verdicts.whole(review, verdict)) for review in reviews]
        able = [(review, given) for review, given in plan if given is not None]
        if not able:
            self._screen.flash(own(f"no marked Review allows {kind.value}", WARN))
            return False
        able = [(review, given) for review, given in able if self._may(kind, review, given)]
        if not able:
            self._screen.flash(own(UNREAD, WARN))
            return False
        if not await self._screen.ask_person(_confirmation(kind, able, len(rows) - len(able))):
            return False
        done = [await self._record(review, given) for review, given in able]
        self._holding.add(became for outcome, became in done if outcome.outcome == "recorded")
        self._screen.flash(verdicts.said_of_many([outcome for outcome, _ in done]))
        return True

    def _may(self, kind: Kind, review: Review, given: Mapping[int, Verdict]) -> bool:
        """High risk is approved among others only where all of it was on the screen."""
        if kind not in APPROVALS or review.risk != "high":
            return True
        return all(self._screen.card.was_seen(review, index) for index in given)

    async def _verdict(self, kind: Kind, shown: Review, index: int) -> Verdict | None:
        action = shown.actions[index]
        if kind in APPROVALS and not await self._has_read(shown, index):
            return None
        match kind:
            case Kind.REJECT:
                reason = await self._screen.ask_about(
                    shown, ReasonDialog(about("Reject", action.tool_name), WHY)
                )
                return None if reason is None else Verdict(kind, reason=reason or None)
            case Kind.EDIT:
                dialog = EditDialog(action, self._screen.card.masks)
                args = await self._screen.ask_about(shown, dialog)
                return None if args is None else Verdict(kind, args=args)
            case Kind.RESPOND:
                answer = await self._answer(shown, index)
                return None if answer is None else Verdict(kind, value=answer.value)
            case Kind.APPROVE | Kind.IGNORE:
                return Verdict(kind)

    async def _has_read(self, shown: Review, index: int) -> bool:
        """What is of high risk is let through when all of it was on the screen, or by its name."""
        card = self._screen.card
        if shown.risk != "high" or card.was_seen(shown, index):
            return True
        dialog = NameDialog(shown.actions[index].tool_name, card.share)
        named = await self._screen.ask_about(shown, dialog)
        return named is True

    async def _answer(self, shown: Review, index: int) -> Respond | None:
        """By a form where the question's schema makes one, else as text or JSON."""
        masks = self._screen.card.masks
        schema = shown.actions[index].answer_schema
        fields = fields_of(schema) if schema is not None else None
        if fields is not None:
            answer = await self._screen.ask_about(shown, FormDialog(shown, index, fields, masks))
            if answer != FormDialog.AS_JSON:
                return answer if isinstance(answer, Respond) else None
        return await self._screen.ask_about(shown, RespondDialog(shown, index, masks))

    async def _record(self, shown: Review, given: Mapping[int, Verdict]) -> tuple[Outcome, Review]:
        slow = asyncio.get_running_loop().call_later(SLOW_S, self._screen.flash, _SLOW)
        try:
            return await self._screen.ask(lambda desk: desk.decide(shown, given))
        finally:
            slow.cancel()


def _confirmation(
    kind: Kind, able: Sequence[tuple[Review, Mapping[int, Any]]], left_out: int
) -> ConfirmDialog:
    """What exactly is about to be decided, the riskiest first."""
    reviews = sorted((review for review, _ in able), key=_risk, reverse=True)
    actions = sum(len(given) for _, given in able)
    highest = (reviews[0].risk or "unrated").upper()
    count = f"{len(able)} Review{'s' * (len(able) != 1)}"
    lines = [
        _told(f"{actions} Action{'s' * (actions != 1)} in all. Highest risk: {highest}."),
        BLANK,
        *(_named(review) for review in reviews[:LISTED]),
    ]
    if len(reviews) > LISTED:
        lines.append(_told(f"and {len(reviews) - LISTED} more"))
    if left_out:
        words = f"{left_out} marked stay: not pending, {kind.value} is not allowed, or of high"
        lines += [BLANK, _told(f"{words} risk and not read to the end yet.")]
    title = own(f"{kind.value.capitalize()} {count}?", STRONG)
    return ConfirmDialog(title, lines, danger=True)


def _told(words: str) -> Line:
    return Line(((Safe(words), ""),))


def _risk(review: Review) -> int:
    """An unrated Review may be anything: it counts as high as medium."""
    return RISK_ORDER.get(review.risk or "medium", RISK_ORDER["medium"])


def _named(review: Review) -> Line:
    risk = Safe(f"{(review.risk or 'unrated').upper():8} "), ""
    thread = (Safe("  "), ""), *machine(review.thread_id, MUTED)
    return Line(((tools(review), ""), *thread), (QUOTED,), (risk,))
