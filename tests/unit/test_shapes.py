"""Every payload shape: which verdict gives which resume value, and what the asking code does."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from hitloop_tui.attach import shapes
from hitloop_tui.attach.review import Kind, Review, Verdict
from hitloop_tui.errors import InvalidVerdict
from tests.unit import asking
from tests.unit.asking import CALLS, PERSON, RM, SEND, Asking

APPROVE, REJECT, IGNORE = Verdict(Kind.APPROVE), Verdict(Kind.REJECT), Verdict(Kind.IGNORE)
BECAUSE = Verdict(Kind.REJECT, reason="not today")
EDITED = {"to": "bob@x.org", "n": 3, "rate": 2}
EDIT = Verdict(Kind.EDIT, args=EDITED)
AS_FLOATS = {**EDITED, "rate": 2.0}


def respond(value: Any) -> Verdict:
    return Verdict(Kind.RESPOND, value=value)


@pytest.fixture
def asks(tmp_path):
    opened = []

    def ask(build: Any) -> Asking:
        opened.append(Asking(tmp_path, build))
        return opened[-1]

    yield ask
    for one in opened:
        one.close()


def refused(review: Review, verdict: Verdict, says: str, action: int = 0) -> None:
    with pytest.raises(InvalidVerdict, match=says):
        shapes.check(review, action, verdict)


# LangChain's middleware


@pytest.mark.parametrize(
    ("verdicts", "decisions", "calls"),
    [
        ([APPROVE, APPROVE], [{"type": "approve"}] * 2, [("send", SEND), ("rm", RM)]),
        (
            [EDIT, REJECT],
            [
                {"type": "edit", "edited_action": {"name": "send", "args": AS_FLOATS}},
                {"type": "reject"},
            ],
            [("send", AS_FLOATS)],
        ),
        (
            [BECAUSE, APPROVE],
            [{"type": "reject", "message": "not today"}, {"type": "approve"}],
            [("rm", RM)],
        ),
        (
            [respond("it is sent"), REJECT],
            [{"type": "respond", "message": "it is sent"}, {"type": "reject"}],
            [],
        ),
    ],
)
def test_batched(asks, verdicts, decisions, calls):
    one = asks(asking.agent())
    [review] = one.reviews()
    assert review.reading.shape == "hitl_batched"
    assert [(a.tool_name, a.tool_args) for a in review.actions] == [("send", SEND), ("rm", RM)]
    assert review.allowed == (Kind.APPROVE, Kind.REJECT)
    [sent] = one.give(dict(enumerate(verdicts))).values()
    assert sent == {"decisions": decisions}
    assert sorted(CALLS) == sorted(calls)
    assert [type(c[1]["rate"]) for c in CALLS if c[0] == "send"] in ([], [float])
    assert one.reviews() == []


def test_batched_refuses_before_recording(asks):
    [review] = asks(asking.agent()).reviews()
    refused(review, replace(EDIT, args={**EDITED, "n": "3"}), "n: was int, is str")
    refused(review, replace(EDIT, args={**EDITED, "n": True}), "n: was int, is bool")
    refused(review, replace(EDIT, args={**EDITED, "tto": "x"}), "tto: .*did you mean to")
    refused(review, replace(EDIT, args={"to": "x"}), "missing")
    refused(review, Verdict(Kind.EDIT), "whole argument object")
    refused(review, IGNORE, "ignore is not possible for send")
    refused(review, respond({"a": 1}), "must be text")
    refused(review, EDIT, "edit is not possible for rm; possible: approve, reject", action=1)


@pytest.mark.parametrize(
    ("verdict", "decision", "calls"),
    [
        (APPROVE, {"type": "approve"}, [("send", SEND)]),
        (BECAUSE, {"type": "reject", "message": "not today"}, []),
        (respond("it is sent"), {"type": "respond", "message": "it is sent"}, []),
        (
            EDIT,
            {"type": "edit", "edited_action": {"name": "send", "args": EDITED}},
            [("send", AS_FLOATS)],
        ),
        (
            Verdict(Kind.EDIT, args={**EDITED, "note": "new"}),
            {"type": "edit", "edited_action": {"name": "send", "args": {**EDITED, "note": "new"}}},
            [("send", AS_FLOATS)],
        ),
    ],
)
def test_per_call(asks, verdict, decision, calls):
    one = asks(asking.agent(interrupt_mode="per_call"))
    first, second = one.reviews()
    assert first.reading.shape == "tool_approval"
    assert first.actions[0].tool_args == SEND
    assert second.allowed == (Kind.APPROVE, Kind.REJECT)
    sent = one.give({0: verdict}, {0: REJECT})
    assert sent[first.question.identity.interrupt_id] == decision
    assert calls == CALLS
    assert [type(args["rate"]) for _, args in CALLS] in ([], [float])
    assert one.reviews() == []


def test_per_call_refuses_before_recording(asks):
    send, rm = asks(asking.agent(interrupt_mode="per_call")).reviews()
    refused(send, replace(EDIT, args={**EDITED, "n": "three"}), "^n: ")
    refused(send, replace(EDIT, args={**EDITED, "noet": "x"}), "noet: .*did you mean note")
    refused(send, replace(EDIT, args={"to": "x", "n": 1}), "rate")
    refused(send, respond(3), "must be text")
    refused(send, IGNORE, "not possible")
    refused(rm, EDIT, "not possible for rm")


# agent-inbox


def human(**config: bool) -> dict[str, Any]:
    allowed = dict.fromkeys(["allow_ignore", "allow_respond", "allow_edit", "allow_accept"], True)
    return {
        "action_request": {"action": "send", "args": SEND},
        "config": {**allowed, **config},
        "description": "why",
    }


ACCEPTED = {"type": "accept", "args": {"action": "send", "args": SEND}}


@pytest.mark.parametrize(
    "asked",
    [human(), [human()], json.dumps(human()), json.dumps([human()]), [json.dumps(human())]],
    ids=["dict", "list", "text", "text of list", "list of text"],
)
@pytest.mark.parametrize(
    ("verdict", "response"),
    [
        (APPROVE, ACCEPTED),
        (EDIT, {"type": "edit", "args": {"action": "send", "args": AS_FLOATS}}),
        (respond("hm"), {"type": "response", "args": "hm"}),
        (BECAUSE, {"type": "ignore", "args": None}),
        (IGNORE, {"type": "ignore", "args": None}),
    ],
)
def test_agent_inbox(asks, asked, verdict, response):
    one = asks(asking.asking(asked))
    [review] = one.reviews()
    assert review.reading.shape == "agent_inbox"
    assert review.allowed == tuple(Kind)
    one.give({0: verdict})
    assert one.state["answer"] == [response]


def test_agent_inbox_allows_what_its_config_allows(asks):
    one = asks(asking.asking(human(allow_edit=False, allow_ignore=False)))
    [review] = one.reviews()
    assert review.allowed == (Kind.APPROVE, Kind.RESPOND)
    refused(review, EDIT, "edit is not possible")
    one.give({0: APPROVE})
    assert one.state["answer"] == [{"type": "accept", "args": None}]


def test_agent_inbox_with_several(asks):
    one = asks(asking.asking([human(), human()]))
    one.give({0: APPROVE, 1: IGNORE})
    assert one.state["answer"] == [ACCEPTED, {"type": "ignore", "args": None}]


# Our own gate


@pytest.mark.parametrize(
    ("verdict", "calls"),
    [
        (APPROVE, [("send", SEND)]),
        (EDIT, [("send", AS_FLOATS)]),
        (BECAUSE, []),
        (respond("it is sent"), []),
        (IGNORE, []),
    ],
)
def test_gate(asks, verdict, calls):
    one = asks(asking.gated())
    [review] = one.reviews()
    assert (review.reading.shape, review.risk, review.allowed) == ("hitloop", "high", tuple(Kind))
    assert review.reading.warnings == ()
    one.give({0: verdict})
    assert calls == CALLS
    decision = one.state["approval_decision"]
    assert decision["decided_by"] == "human:ann"
    assert decision["approved"] == (verdict.kind in (Kind.APPROVE, Kind.EDIT))
    assert one.reviews() == []


def forged(review: Review, **changes: Any) -> Review:
    """The Review as it would be, had somebody rewritten the stored question."""
    [payload] = review.question.value
    action = {**payload["hitloop"]["action"], **changes}
    value = [{**payload, "hitloop": {**payload["hitloop"], "action": action}}]
    question = replace(review.question, value=value)
    reading = shapes.read(question)
    assert reading is not None
    return Review(question, reading)


@pytest.mark.parametrize("changes", [{"tool_args": {**SEND, "n": 1}}, {"tool_name": "read"}])
def test_a_gate_question_that_does_not_match_its_digest(asks, changes):
    """What is shown is not what would run: it can be refused only, and the refusal arrives."""
    one = asks(asking.gated())
    [review] = one.reviews()
    bad = forged(review, **changes)
    assert "digest" in bad.reading.warnings[0]
    assert bad.allowed == (Kind.REJECT, Kind.IGNORE)
    for verdict in (APPROVE, EDIT, respond("x")):
        refused(bad, verdict, "not possible")
    answer = shapes.answer(bad, {0: shapes.check(bad, 0, REJECT)}, PERSON)
    one.graph.invoke(
        asking.Command(resume={review.question.identity.interrupt_id: answer}), one.config
    )
    assert CALLS == []
    assert one.state["approval_decision"]["approved"] is False


def test_a_refused_answer_is_asked_about_again(asks):
    one = asks(asking.gated())
    [before] = one.reviews()
    interrupt_id = before.question.identity.interrupt_id
    one.graph.invoke(asking.Command(resume={interrupt_id: {"nonsense": 1}}), one.config)
    [after] = one.reviews()
    assert after.id != before.id
    assert "refused an earlier answer" in after.reading.warnings[0]
    one.give({0: APPROVE})
    assert [("send", SEND)] == CALLS


# A published schema


class Form(BaseModel):
    amount: float
    note: str = ""


def test_schema_of_a_model(asks):
    one = asks(asking.asking("how much?", response_schema=Form))
    [review] = one.reviews()
    assert (review.reading.shape, review.allowed) == ("response_schema", (Kind.RESPOND,))
    refused(review, respond({"amount": "much"}), "amount: ")
    refused(review, respond({}), "amount")
    refused(review, respond("x"), "the value: ")
    refused(review, APPROVE, "not possible")
    one.give({0: respond({"amount": 1.5})})
    assert one.state["answer"] == Form(amount=1.5)


def test_schema_of_a_boolean(asks):
    one = asks(asking.asking("sure?", response_schema={"type": "boolean"}))
    [review] = one.reviews()
    assert review.allowed == (Kind.APPROVE, Kind.REJECT, Kind.RESPOND)
    refused(review, respond("yes"), "is not of type 'boolean'")
    one.give({0: REJECT})
    assert one.state["answer"] is False


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"pattern": "("},
        {"$schema": 5, "type": 3},
        {"properties": 5},
    ],
    ids=str,
)
def test_a_hostile_schema_refuses_and_reaches_nothing(asks, monkeypatch, schema):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("network"))
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("network"))
    [review] = asks(asking.asking("?", response_schema=schema)).reviews()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused(review, respond({"a": 1} if "properties" in schema else "text"), ".")


# Questions to a person


ASK_USER = {
    "type": "ask_user",
    "questions": [
        {"question": "name?", "type": "text", "required": True},
        {"question": "which?", "type": "multi_select", "choices": [{"value": "a"}, {"value": "b"}]},
    ],
    "tool_call_id": "c",
}


def test_ask_user(asks):
    one = asks(asking.asking(ASK_USER))
    [review] = one.reviews()
    assert review.reading.shape == "ask_user"
    refused(review, respond(""), "required")
    refused(review, respond(["x", "y"]), "must be text")
    refused(review, respond(["a", "c"]), "'c' is none of: a, b", action=1)
    one.give({0: respond("Ann"), 1: respond(["a", "b"])})
    assert one.state["answer"] == {"answers": ["Ann", '["a", "b"]']}


def test_ask_user_cancelled(asks):
    one = asks(asking.asking(ASK_USER))
    one.give({0: respond("Ann"), 1: IGNORE})
    assert one.state["answer"] == {"status": "cancelled", "answers": ["", ""]}


@pytest.mark.parametrize(
    "asked", ["really?", {"question": "q", "n": 1}, 7, None, True, [{"a": 1}], 1.5, {}, "", "{"]
)
@pytest.mark.parametrize("answer", ["yes", {"a": [1]}, False, 0, None, "", []])
def test_free_form(asks, asked, answer):
    one = asks(asking.asking(asked))
    [review] = one.reviews()
    assert (review.reading.shape, review.allowed) == ("free_form", (Kind.RESPOND,))
    one.give({0: respond(answer)})
    assert one.state["answer"] == answer


def test_machines_ask_no_person(asks):
    assert asks(asking.asking({"type": "hook_invocation", "request": {}})).reviews() == []


def test_what_cannot_be_read_cannot_be_answered(asks):
    [review] = asks(asking.asking("x")).reviews()
    question = replace(review.question, undecodable="broken", value={"bytes": 3})
    reading = shapes.read(question)
    assert reading is not None
    assert reading.shape == "unreadable"
    for kind in Kind:
        refused(Review(question, reading), Verdict(kind), "not possible")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (1.0, 2, 2.0),
        ([1.0, 2.0], [3, 4.5], [3.0, 4.5]),
        ([], [1, "a"], [1, "a"]),
        (None, "now set", "now set"),
        ({"a": {"b": 1.0}}, {"a": {"b": 2}, "c": 3}, {"a": {"b": 2.0}, "c": 3}),
        ([{"n": 1.0}, {"n": 2.0}], [{"n": 5}], [{"n": 5.0}]),
        (1, 1.5, "x: was int, is float"),
        (True, 1, "x: was bool, is int"),
        ("1", 1, "x: was str, is int"),
        ({"a": 1}, [1], "x: was object, is list"),
        ({"a": {"b": 1}}, {"a": {"b": "2"}}, "x.a.b: was int, is str"),
        ([1, 2], ["1"], r"x\[0\]: the list held int, this is str"),
        ("text", None, "x: was str, is null"),
    ],
)
def test_types_are_kept_in_an_edit(before, after, says):
    from hitloop_tui.attach.review import ReviewAction

    action = ReviewAction("tool", {"x": before}, allowed=tuple(Kind))
    if isinstance(says, str) and ": " in says:
        with pytest.raises(InvalidVerdict, match=says):
            shapes.check_args(action, {"x": after})
    else:
        found = shapes.check_args(action, {"x": after})["x"]
        assert repr(found) == repr(says)


# AG-UI's keys


AG_UI = {
    "message": "Send it?",
    "toolCallId": "c1",
    "name": "send",
    "args": {"to": "ann@x.org", "n": 2},
    "responseSchema": {
        "type": "object",
        "properties": {
            "approved": {"type": "boolean"},
            "editedArgs": {
                "type": "object",
                "properties": {"to": {"type": "string"}, "n": {"type": "integer"}},
            },
        },
        "required": ["approved"],
        "additionalProperties": False,
    },
    "expiresAt": "2999-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("verdict", "answer"),
    [
        (APPROVE, {"approved": True}),
        (REJECT, {"approved": False}),
        (
            Verdict(Kind.EDIT, args={"to": "bob@x.org", "n": 3}),
            {"approved": True, "editedArgs": {"to": "bob@x.org", "n": 3}},
        ),
        (respond({"approved": False}), {"approved": False}),
    ],
)
def test_ag_ui(asks, verdict, answer):
    one = asks(asking.asking(AG_UI))
    [review] = one.reviews()
    assert review.reading.shape == "ag_ui"
    assert review.allowed == (Kind.APPROVE, Kind.EDIT, Kind.REJECT, Kind.RESPOND)
    assert (review.actions[0].tool_name, review.actions[0].tool_args) == ("send", AG_UI["args"])
    assert review.reading.deadline is not None
    assert review.reading.deadline.year == 2999
    one.give({0: verdict})
    assert one.state["answer"] == answer


def test_ag_ui_refuses_before_recording(asks):
    [review] = asks(asking.asking(AG_UI)).reviews()
    refused(review, respond({"approved": "yes"}), "approved: 'yes' is not of type 'boolean'")
    refused(review, respond({"approved": True, "why": 1}), "why")
    refused(review, Verdict(Kind.EDIT, args={"to": 7, "n": 3}), "to: 7 is not of type 'string'")


def test_ag_ui_with_an_odd_expiry(asks):
    asked = {"reason": "Which one?", "expires_at": "soon"}
    one = asks(asking.asking(asked))
    [review] = one.reviews()
    assert (review.reading.deadline, len(review.reading.warnings)) == (None, 1)
    one.give({0: respond(["a"])})
    assert one.state["answer"] == ["a"]
