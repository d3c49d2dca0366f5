"""From the few digits a person typed to the one Review they mean."""

from __future__ import annotations

import string

from hitloop_tui.attach.inbox import Inbox
from hitloop_tui.attach.ledger import Record
from hitloop_tui.attach.review import Identity, Review
from hitloop_tui.errors import Ambiguous, BadInput, NotFound

MIN_PAST = 8
"""Digits of an id that may name a past question: fewer fit one of thousands by chance."""

Found = Review | Record | Identity
"""Open; decided and closed; or gone without a decision of ours (stale)."""


class Finder:
    """Looks ids up; the open Reviews are read once, on creation."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._open = {review.key: review for review in inbox.reviews()}

    def find(self, prefix: str) -> Found:
        """Raises BadInput for what is no id, NotFound, and Ambiguous for a prefix of several."""
        prefix = prefix.strip().lower()
        if not prefix or len(prefix) > 64 or set(prefix) - set(string.hexdigits):
            raise BadInput(f"{prefix!r} is no id: ids are hexadecimal, as `ls` prints them")
        found: dict[str, Found] = {r.key: r for r in self._inbox.ledger.with_prefix(prefix)}
        found |= {key: review for key, review in self._open.items() if key.startswith(prefix)}
        if not found and len(prefix) >= MIN_PAST:
            found = {one.key: one for one in self._inbox.source.asked_before(prefix)}
        if not found:
            raise NotFound(f"no Review {prefix}: `ls` shows the open ones")
        if len(found) > 1:
            ids = ", ".join(sorted(key[:16] for key in found)[:4])
            raise Ambiguous(f"{prefix} fits {len(found)} Reviews ({ids}, …): give more digits")
        return next(iter(found.values()))
