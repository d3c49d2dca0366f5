"""What a person signs when they decide, for the gate that asks and for the record.

Signing may take as long as a touch on a hardware key: never inside a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hitloop_tui.attach.ledger_clock import now
from hitloop_tui.attach.person import Person
from hitloop_tui.attach.review import Review
from hitloop_tui.attach.shapes import hitloop_gate, stored_request
from hitloop_tui.core import signature
from hitloop_tui.errors import BadInput, InvalidVerdict

_DATED = (hitloop_gate.NAME, stored_request.NAME)
"""Shapes whose answer says itself when it was decided."""
UNSIGNED = (
    "the gate takes only signed answers: name your ssh key with --sign KEY, HITLOOP_SIGN_KEY or"
    " [sign] in hitloop.toml"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """What one person answers, signed."""

    answer: Any
    """As the thread gets it: with the signature where the gate checks it."""
    signature: str
    at: str
    """When it was decided; ISO 8601, UTC."""

    @property
    def vote(self) -> dict[str, Any]:
        """The answer of somebody who decides together with others, with its signature."""
        return {**self.answer, "signature": self.signature}

    def with_votes(self, approved_by: object, votes: Iterable[dict[str, Any]]) -> Any:
        """The answer of several people, once they are enough; a refusal stays its sender's."""
        if approved_by is None:
            return self.answer
        together = {**self.answer, "approved_by": approved_by}
        if "signature" in self.answer:
            others = [vote for vote in votes if vote["decided_by"] != self.answer["decided_by"]]
            together["votes"] = others
        return together


def signer(key: Path) -> partial[str]:
    """`Person.sign` with an ssh key. Raises BadInput when there is none at that path."""
    if not (key.is_file() or key.with_name(f"{key.name}.pub").is_file()):
        raise BadInput(f"there is no ssh key {key}: name the file of a key, or of its public half")
    return partial(signature.sign, key=key)


def signed(review: Review, answer: Any, person: Person) -> Signed | None:
    """The answer with the person's signature; None for somebody who does not sign.

    Raises InvalidVerdict when the gate takes only signed answers, and SigningError.
    """
    if person.sign is None:
        if review.reading.signed:
            raise InvalidVerdict(UNSIGNED)
        return None
    if review.reading.shape == hitloop_gate.NAME:
        answer = signature.own_words(answer)
    answer = json.loads(json.dumps(answer))
    at = answer["decided_at"] if review.reading.shape in _DATED else now()
    said = signature.statement(
        thread_id=review.thread_id,
        interrupt_id=review.question.identity.interrupt_id,
        calls=[(action.tool_name, action.tool_args) for action in review.actions],
        answer=answer,
        decided_by=person.decided_by,
        decided_at=at,
    )
    text = person.sign(said)
    return Signed({**answer, "signature": text} if review.reading.signed else answer, text, at)
