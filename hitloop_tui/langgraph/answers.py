"""What a person's answer to a gate may look like, and what it means.

Three spellings are read: our own console's, agent-inbox's `HumanResponse`, and LangChain's
`decisions`. Everything else is refused: an answer that is only half understood must not run a tool.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from hitloop_tui.langgraph.asked import Asked

Verdict = Literal["approve", "edit", "reject", "respond", "ignore"]

SIGNED = {"decided_by", "decided_at", "digest", "action_id", "reason", "tags", "latency_ms"}
FLAT = {"approved", "edited_args", "response", "ignored", "approved_by"} | SIGNED
TYPED = {"type", "args", "edited_action", "message", "decisions"} | SIGNED
TYPES: dict[str, Verdict] = {
    "accept": "approve",
    "approve": "approve",
    "edit": "edit",
    "reject": "reject",
    "response": "respond",
    "respond": "respond",
    "ignore": "ignore",
}

CHANGED = "The action has changed since it was shown. Look again, then answer."


class Refused(Exception):
    """The answer cannot be used; the text goes back to the person with the same question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One understood answer."""

    verdict: Verdict
    tool_name: str | None = None
    """For an edit that names a tool."""
    args: dict[str, Any] | None = None
    """For an edit: the arguments to run."""
    text: str = ""
    """The reason given."""
    response: str | None = None
    """For `respond`: what the person answers instead of the tool."""
    decided_by: str = "human"
    decided_at: datetime | None = None
    tags: tuple[str, ...] = ()
    approved_by: tuple[str, ...] = ()
    """Everybody who approved, where one answer carries the approval of several."""


def read_answer(value: Any, asked: Asked) -> Answer:
    """The meaning of a resume value for this question; raises `Refused`."""
    match value:
        case bool():
            return Answer("approve" if value else "reject")
        case [dict() as single]:
            return read_answer(single, asked)
        case {"decisions": [dict() as single]}:
            return _typed({**value, **single}, asked)
        case {"decisions": list()}:
            raise Refused("This question is about one action and takes exactly one decision.")
        case {"type": str()}:
            return _typed(value, asked)
        case {"approved": bool()}:
            return _flat(value, asked)
        case _:
            raise Refused(
                'The answer was not understood. Send {"approved": true} or {"approved": false}.'
            )


def _flat(value: dict[str, Any], asked: Asked) -> Answer:
    _known(value, FLAT)
    approved_by = _names(value.get("approved_by"))
    base = Answer("reject", text=_text(value, "reason"), approved_by=approved_by)
    base = _signed(base, value, asked)
    match value["approved"], value.get("edited_args"), value.get("response"), value.get("ignored"):
        case True, None, None, None | False:
            return replace(base, verdict="approve")
        case True, dict() as args, None, None | False:
            return replace(base, verdict="edit", args=_arguments(args))
        case False, None, None, None | False:
            return base
        case False, None, str() as text, None | False:
            return replace(base, verdict="respond", response=text)
        case False, None, None, True:
            return replace(base, verdict="ignore")
        case _:
            raise Refused("The answer contradicts itself, or one of its values has a wrong type.")


def _typed(value: dict[str, Any], asked: Asked) -> Answer:
    verdict = TYPES.get(value["type"]) if isinstance(value.get("type"), str) else None
    if verdict is None:
        raise Refused(f"The answer's type must be one of {', '.join(TYPES)}.")
    _known(value, TYPED)
    base = _signed(Answer(verdict, text=_words(value)), value, asked)
    match verdict, value.get("edited_action", value.get("args")):
        case "edit", {"args": dict() as args, **call}:
            return replace(base, tool_name=_tool_name(call), args=_arguments(args))
        case "edit", _:
            raise Refused("An edit needs the arguments to run, as an object.")
        case "approve", {"args": dict() as args, **call}:
            if not _same_call(call, args, asked):
                raise Refused("The accepted call is not the proposed one; send it as an edit.")
            return base
        case "approve" | "ignore", None:
            return base
        case "reject", args:
            return replace(base, text=_text({"args": args}, "args") or base.text)
        case "respond", args:
            return replace(base, response=_answer_text(args, value))
        case _:
            raise Refused(f"An answer of type {value['type']} takes no arguments.")


def _known(value: dict[str, Any], keys: set[str]) -> None:
    unknown = sorted(map(str, value.keys() - keys))
    if unknown:
        raise Refused(f"The answer has a key this gate does not know: {', '.join(unknown)}.")


def _same_call(call: dict[Any, Any], args: dict[str, Any], asked: Asked) -> bool:
    """Whether an inbox sent back what it was shown; JavaScript makes 1 of 1.0."""
    name, shown = _tool_name(call), asked.shown
    return name in (None, shown["tool_name"]) and args == shown["tool_args"]


def _signed(answer: Answer, value: dict[str, Any], asked: Asked) -> Answer:
    """`answer` with who and when, after checking that it was given to this very question."""
    digest = value.get("digest")
    if digest is not None and digest != asked.digest:
        raise Refused(CHANGED)
    if value.get("action_id") not in (None, asked.shown["id"]):
        raise Refused("The answer names another action.")
    tags = value.get("tags") or []
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        raise Refused("tags must be a list of texts.")
    who = _text(value, "decided_by") or "human"
    return replace(answer, decided_by=who, decided_at=_moment(value), tags=tuple(tags))


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Refused("approved_by must be a list of names.")
    return tuple(value)


def _moment(value: dict[str, Any]) -> datetime | None:
    text = _text(value, "decided_at")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("decided_at must be a time in ISO 8601.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _words(value: dict[str, Any]) -> str:
    return _text(value, "message") or _text(value, "reason")


def _answer_text(args: Any, value: dict[str, Any]) -> str:
    text = _text({"args": args}, "args") or _words(value)
    if not text:
        raise Refused("A response needs a text.")
    return text


def _text(value: dict[Any, Any], key: str) -> str:
    match value.get(key):
        case None:
            return ""
        case str() as text:
            return text
        case _:
            raise Refused(f"{key} must be a text.")


def _tool_name(call: dict[Any, Any]) -> str | None:
    """agent-inbox says `action`, LangChain says `name`."""
    return _text(call, "action") or _text(call, "name") or None


def _arguments(args: dict[Any, Any]) -> dict[str, Any]:
    if not all(isinstance(name, str) for name in args):
        raise Refused("The names of edited arguments must be texts.")
    return args
