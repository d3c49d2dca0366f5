"""Payloads that are forged, hostile or odd. What each shape takes is in `test_shapes_table`."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from typing import Any

import pytest

from hitloop_tui.attach import shapes
from hitloop_tui.attach.review import Kind, Review, ReviewAction, Verdict
from hitloop_tui.errors import InvalidVerdict
from tests.unit import asking
from tests.unit.asking import CALLS, PERSON, SEND, Asking
from tests.unit.shape_table import APPROVE, EDIT, REJECT, respond


@pytest.fixture
def asks(tmp_path):
    opened = []

    def ask(build: Any) -> Asking:
        opened.append(Asking(tmp_path, build))
        return opened[-1]

    yield ask
    for one in opened:
        one.close()


def refused(review: Review, verdict: Verdict, says: str) -> None:
    with pytest.raises(InvalidVerdict, match=says):
        shapes.check(review, 0, verdict)


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
    action = ReviewAction("tool", {"x": before}, allowed=tuple(Kind))
    if isinstance(says, str) and ": " in says:
        with pytest.raises(InvalidVerdict, match=says):
            shapes.check_args(action, {"x": after})
    else:
        found = shapes.check_args(action, {"x": after})["x"]
        assert repr(found) == repr(says)


DEEP: Any = 0
for _ in range(60):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (respond(2**64), "the answer: an integer of more than 64 bits"),
        (respond({"a": [-(2**63) - 1]}), r"the answer\.a\[0\]: an integer"),
        (respond(float("inf")), "the answer: no finite number"),
        (respond("\udcff"), "the answer: text that is not UTF-8"),
        (respond({"\ud800": 1}), "text that is not UTF-8"),
        (respond(DEEP), "nested more than 48 deep"),
        (Verdict(Kind.RESPOND, value="x", reason="\udcff"), "reason: text that is not UTF-8"),
    ],
)
def test_what_a_checkpoint_cannot_hold(asks, verdict, says):
    """The node would have used it before LangGraph fails to save it."""
    [review] = asks(asking.asking("?")).reviews()
    refused(review, verdict, says)


def test_edited_arguments_that_a_checkpoint_cannot_hold(asks):
    [review] = asks(asking.gated()).reviews()
    refused(review, Verdict(Kind.EDIT, args={**SEND, "n": 2**70}), "n: an integer of more than 64")
    refused(review, Verdict(Kind.EDIT, args={**SEND, "n": DEEP}), "n.*: nested more than 48 deep")


@pytest.mark.parametrize("expiry", ["soon", "9999-12-31T23:59:59-01:00", 1e9])
def test_ag_ui_with_an_odd_expiry(asks, expiry):
    asked = {"reason": "Which one?", "expires_at": expiry}
    one = asks(asking.asking(asked))
    [review] = one.reviews()
    assert (review.reading.deadline, len(review.reading.warnings)) == (None, 1)
    assert json.loads(json.dumps(review.to_json()))["deadline"] is None
    one.give({0: respond(["a"])})
    assert one.state["answer"] == ["a"]
