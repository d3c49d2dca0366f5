"""Answers that count only when an operator signed them.

Whoever can write the checkpoint database can put an answer there. The check is therefore made here,
in the agent's process, against a list of signers that only the agent's owner can write.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hitloop_tui.core import signature
from hitloop_tui.core.digest import canonical_json
from hitloop_tui.errors import ConfigError, NotVerified
from hitloop_tui.langgraph.answers import Refused
from hitloop_tui.langgraph.asked import Asked
from hitloop_tui.langgraph.dialogue import interrupt_id
from hitloop_tui.langgraph.execution import current_place

TIMEOUT = "system:timeout"
"""Who refuses when a deadline has passed: nobody signs that, and the gate knows the time itself."""
UNSIGNED = (
    "Only signed answers count here: hitloop-tui's --sign KEY, from a key in the gate's list of"
    " allowed signers."
)


def signers_file(path: Path | str | None) -> Path | None:
    """The list of allowed signers. Raises ConfigError when signatures could never be checked."""
    if path is None:
        return None
    path = Path(path).expanduser().absolute()
    if not os.access(path, os.R_OK):
        raise ConfigError(f"allowed_signers: {path} cannot be read")
    if shutil.which(signature.PROGRAM) is None:
        raise ConfigError(
            f"allowed_signers needs {signature.PROGRAM}, which comes with OpenSSH's client"
        )
    return path


class Signatures:
    """The signatures under the answers to one question, and to those that follow from it."""

    def __init__(self, allowed: Path, deadline: datetime | None = None) -> None:
        """After the `deadline` nobody's no needs no signature."""
        self.allowed = allowed
        self.deadline = deadline
        self._keys: dict[str, str] = {}
        """Fingerprint of the key that each person signed with."""

    def checked(self, value: Any, asked: Asked) -> Any:
        """The answer without its signatures. Raises `Refused` unless it was signed by the people
        it names, and for this very question."""
        if not isinstance(value, dict) or not isinstance(value.get("approved"), bool):
            raise Refused(UNSIGNED)
        if self._timed_out(value):
            return value
        votes = _list(value, "votes")
        if not all(_agrees(vote, value) for vote in votes):
            raise Refused("The answers that were signed together do not say the same.")
        people = [self._signer(said, value, asked) for said in (value, *votes)]
        people += [name for name in asked.approvals if name not in people]
        for name in _list(value, "approved_by"):
            if name not in people:
                raise Refused(f"The answer says that {name} approved, who did not sign.")
        self._require_own_keys(set(people))
        return {key: said for key, said in value.items() if key not in ("signature", "votes")}

    def _signer(self, said: Mapping[str, Any], value: dict[str, Any], asked: Asked) -> str:
        """Who signed one answer within `value`."""
        thread_id, question = _question_of(value)
        try:
            name = signature.principal_of(said.get("decided_by"))
            if not isinstance(said.get("signature"), str):
                raise Refused(UNSIGNED)
            text = signature.statement(
                thread_id=thread_id,
                interrupt_id=question,
                calls=[(asked.shown["tool_name"], asked.shown["tool_args"])],
                answer=signature.own_words(said),
                decided_by=said["decided_by"],
                decided_at=str(said.get("decided_at")),
            )
            key = signature.verify(text, said["signature"], name, self.allowed)
        except NotVerified as error:
            raise Refused(f"The answer's signature was refused: {error}.") from None
        self._keys[said["decided_by"]] = key
        return str(said["decided_by"])

    def _require_own_keys(self, people: Iterable[str]) -> None:
        keys = [self._keys[name] for name in people if name in self._keys]
        if len(set(keys)) < len(keys):
            raise Refused("Several people must approve this, each with a key of their own.")

    def _timed_out(self, value: dict[str, Any]) -> bool:
        late = self.deadline is not None and datetime.now(UTC) >= self.deadline
        return late and value["approved"] is False and value.get("decided_by") == TIMEOUT


def _list(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    if found is not None and not isinstance(found, list):
        raise Refused(f"{key} must be a list.")
    return found or []


def _agrees(vote: Any, value: dict[str, Any]) -> bool:
    """Whether somebody else's answer approves of the same call."""
    if not isinstance(vote, dict) or vote.get("approved") is not True:
        return False
    same = canonical_json(vote.get("edited_args")) == canonical_json(value.get("edited_args"))
    return same and value["approved"] is True


def _question_of(value: Any) -> tuple[str, str]:
    """Thread and interrupt that LangGraph took this very answer for.

    An answer's number among those of its task is the number of the question it was given to.
    """
    place = current_place()
    number = next((n for n, given in enumerate(place.answers) if given is value), None)
    if number is None:
        raise Refused("It cannot be told which question this answers.")
    return place.thread_id, interrupt_id(place, number)
