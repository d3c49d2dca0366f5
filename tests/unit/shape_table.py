"""Tool calls in every payload shape: what must be shown, and what each verdict gives the graph.

The documents of each shape are named where its adapter is (`hitloop_tui/attach/shapes`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.graph import START, StateGraph

from hitloop_tui.attach.review import Kind, Verdict
from hitloop_tui.core.digest import action_digest
from hitloop_tui.langgraph import hitl_action
from tests.unit.asking import RM, SEND, Asked, agent, asking, gated

APPROVE, REJECT, IGNORE = Verdict(Kind.APPROVE), Verdict(Kind.REJECT), Verdict(Kind.IGNORE)
BECAUSE = Verdict(Kind.REJECT, reason="not today")
EDITED = {"to": "bob@x.org", "n": 3, "rate": 2}
AS_FLOATS = {**EDITED, "rate": 2.0}
EDIT = Verdict(Kind.EDIT, args=EDITED)
WRONG_TYPE = Verdict(Kind.EDIT, args={**EDITED, "n": "3"})
TYPO = Verdict(Kind.EDIT, args={**EDITED, "tto": "x"})


def respond(value: Any) -> Verdict:
    return Verdict(Kind.RESPOND, value=value)


Verdicts = Sequence[Verdict]
"""One for each Action."""


@dataclass(frozen=True)
class Case:
    """One question. `takes` pairs verdicts with the value that the graph must receive, and
    `refuses` pairs them with what the refusal must say."""

    name: str
    build: Callable[[Any], Any]
    shape: str
    shown: Sequence[tuple[str, Mapping[str, Any]]]
    takes: Sequence[tuple[Verdicts, Any]]
    refuses: Sequence[tuple[Verdicts, str]] = ()

    def __str__(self) -> str:
        return self.name


# LangChain's middleware

Given = list[tuple[Verdict, dict[str, Any]]]

DECISIONS: Given = [
    (APPROVE, {"type": "approve"}),
    (BECAUSE, {"type": "reject", "message": "not today"}),
    (REJECT, {"type": "reject"}),
    (respond("it is sent"), {"type": "respond", "message": "it is sent"}),
]


def edited(args: dict[str, Any]) -> tuple[Verdict, dict[str, Any]]:
    return EDIT, {"type": "edit", "edited_action": {"name": "send", "args": args}}


BATCHED = Case(
    "middleware, batched",
    agent(),
    "hitl_batched",
    [("send", SEND), ("rm", RM)],
    [
        ([verdict, other], {"decisions": [said, other_said]})
        for verdict, said in [*DECISIONS, edited(AS_FLOATS)]
        for other, other_said in DECISIONS[:2]
    ],
    [
        ([WRONG_TYPE, APPROVE], "n: was int, is str"),
        ([TYPO, APPROVE], "tto: .*did you mean to"),
        ([Verdict(Kind.EDIT, args={"to": "x"}), APPROVE], "missing"),
        ([IGNORE, APPROVE], "ignore is not possible for send"),
        ([respond({"a": 1}), APPROVE], "must be text"),
        ([APPROVE, EDIT], "edit is not possible for rm; possible: approve, reject"),
    ],
)
PER_CALL = Case(
    "middleware, per call",
    agent("send", interrupt_mode="per_call"),
    "tool_approval",
    [("send", SEND)],
    # The tool's own schema comes along, and takes an integer for a float.
    [([verdict], said) for verdict, said in [*DECISIONS, edited(EDITED)]],
    [
        ([Verdict(Kind.EDIT, args={**EDITED, "n": "three"})], "^n: "),
        ([Verdict(Kind.EDIT, args={**EDITED, "noet": "x"})], "noet: .*did you mean note"),
        ([Verdict(Kind.EDIT, args={"to": "x", "n": 1})], "rate"),
        ([respond(3)], "must be text"),
        ([IGNORE], "not possible"),
    ],
)

# agent-inbox


def human(**config: bool) -> dict[str, Any]:
    allowed = dict.fromkeys(["allow_ignore", "allow_respond", "allow_edit", "allow_accept"], True)
    return {
        "action_request": {"action": "send", "args": SEND},
        "config": {**allowed, **config},
        "description": "why",
    }


IGNORED = {"type": "ignore", "args": None}
ACCEPTED = {"type": "accept", "args": {"action": "send", "args": SEND}}
RESPONSES: Given = [
    (APPROVE, ACCEPTED),
    (EDIT, {"type": "edit", "args": {"action": "send", "args": AS_FLOATS}}),
    (respond("hm"), {"type": "response", "args": "hm"}),
    (BECAUSE, IGNORED),
    (IGNORE, IGNORED),
]
INBOX_WRITTEN = {
    "dict": human(),
    "list": [human()],
    "JSON text": json.dumps(human()),
    "JSON text of a list": json.dumps([human()]),
    "list of JSON text": [json.dumps(human())],
}
INBOX = [
    Case(
        f"agent-inbox, {written}",
        asking(value),
        "agent_inbox",
        [("send", SEND)],
        [([verdict], [said]) for verdict, said in RESPONSES],
        [([WRONG_TYPE], "n: was int"), ([TYPO], "tto"), ([respond(["hm"])], "must be text")],
    )
    for written, value in INBOX_WRITTEN.items()
]
INBOX += [
    Case(
        "agent-inbox, several",
        asking([human(), human()]),
        "agent_inbox",
        [("send", SEND)] * 2,
        [
            ([first, second], [said, said_second])
            for (first, said), (second, said_second) in zip(RESPONSES, RESPONSES[::-1], strict=True)
        ],
        [([APPROVE, WRONG_TYPE], "n: was int, is str")],
    ),
    Case(
        "agent-inbox, no edit",
        asking(human(allow_edit=False, allow_ignore=False)),
        "agent_inbox",
        [("send", SEND)],
        [
            ([APPROVE], [{"type": "accept", "args": None}]),
            ([respond("hm")], [{"type": "response", "args": "hm"}]),
        ],
        [([EDIT], "edit is not possible"), ([IGNORE], "not possible"), ([REJECT], "not possible")],
    ),
]

# Our own gates


def answered(approved: bool, **more: Any) -> dict[str, Any]:
    digest = action_digest("send", SEND)
    who = {"decided_by": "human:ann"}  # and `decided_at`
    return {"approved": approved, "digest": digest, "reason": "", **who, **more}


GATE: list[tuple[Verdicts, Any]] = [
    ([APPROVE], answered(True)),
    ([EDIT], answered(True, edited_args=AS_FLOATS)),
    ([BECAUSE], answered(False, reason="not today")),
    ([respond("it is sent")], answered(False, response="it is sent")),
    ([IGNORE], answered(False, ignored=True)),
]
NOT_FOR_A_GATE = [([WRONG_TYPE], "n: was int"), ([TYPO], "tto"), ([respond(1)], "must be text")]


def guarded() -> Any:
    """A tool of our decorator, called in the node that asks."""

    @hitl_action()
    def send(to: str, n: int, rate: float) -> None:
        """Send something."""

    graph = StateGraph(Asked).add_node("ask", lambda _: {"answer": send(**SEND)})
    graph.add_edge(START, "ask")
    return lambda saver: graph.compile(checkpointer=saver)


GATES = [
    Case(name, build, "hitloop", [("send", SEND)], GATE, NOT_FOR_A_GATE)
    for name, build in (("gate before a tool", gated()), ("guarded tool", guarded()))
]

TOOL_CALLS = [BATCHED, PER_CALL, *INBOX, *GATES]
