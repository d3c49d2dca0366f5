"""Policies give the same answer to the same question, in words a person understands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from hitloop_tui.core.models import Action, Decision, RiskClass
from hitloop_tui.policies import AlwaysApprovePolicy, RiskBasedPolicy


def action(risk: RiskClass = RiskClass.LOW, tool: str = "note", **args: Any) -> Action:
    return Action(tool_name=tool, tool_args=args, risk_class=risk)


def asked(policy: RiskBasedPolicy, proposed: Action) -> bool:
    needed, reason = policy.should_request_approval(proposed, {})
    assert reason.endswith(".")
    return needed


def test_always_approve_asks_nobody_even_at_high_risk():
    policy = AlwaysApprovePolicy()
    assert policy.name == "always_approve"
    assert policy.should_request_approval(action(RiskClass.HIGH), {})[0] is False


@pytest.mark.parametrize(
    ("risk", "options", "expected"),
    [
        (RiskClass.HIGH, {}, True),
        (RiskClass.MEDIUM, {}, False),
        (RiskClass.LOW, {}, False),
        (RiskClass.HIGH, {"require_approval_for_high": False}, False),
        (RiskClass.MEDIUM, {"require_approval_for_medium": True}, True),
        (RiskClass.LOW, {"require_approval_for_medium": True}, False),
    ],
)
def test_risk_class_decides(risk, options, expected):
    assert asked(RiskBasedPolicy(**options), action(risk)) is expected


def test_a_listed_tool_is_asked_about_whatever_its_risk():
    policy = RiskBasedPolicy(high_risk_tools=["send_email"])
    needed, reason = policy.should_request_approval(action(tool="send_email"), {})
    assert needed
    assert reason == "send_email is on the high-risk tool list."


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"to": "joe@rival.example"}, True),
        ({"to": {"cc": ["joe@RIVAL.example"]}}, True),
        ({"to": {"joe@rival.example": 1}}, True),
        ({"to": "joe\uff20rival.example"}, True),
        ({"to": "joe@ri\u200bval.example"}, True),
        ({"to": "joe@rival\n.example"}, False),
        ({"To": "joe@rival.example"}, True),
        ({"mail": [{"to": "joe@rival.example"}]}, True),
        ({"to": "joe@friend.example"}, False),
        ({"subject": "@rival.example"}, False),
        ({"to": ["C:\\secret"]}, True),
        ({"to": None}, False),
    ],
)
def test_a_sensitive_word_is_found_however_it_is_written(args, expected):
    policy = RiskBasedPolicy(sensitive_arg_patterns={"to": ["@Rival.example", "c:\\secret"]})
    assert asked(policy, action(**args)) is expected


class Payment(BaseModel):
    amount: Any


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (100, False),
        (100.01, True),
        ("250", True),
        (" 99.5 ", False),
        ("99,50", True),
        ("1,000,000", True),
        ("$5", True),
        ("", True),
        ("all", True),
        ("1e3", True),
        ("1e999999999", True),
        ("NaN", True),
        ("sNaN", True),
        (float("nan"), True),
        (float("inf"), True),
        (float("-inf"), True),
        (-5000, True),
        ("-100.01", True),
        (-100, False),
        (10**400, True),
        ("100.00000000000000000001", True),
        (Decimal("100.01"), True),
        (Decimal("99.5"), False),
        (Decimal("NaN"), True),
        (True, True),
        (b"5", True),
        ([5], True),
        ({"units": 5000}, True),
        (None, False),
    ],
)
def test_an_amount_above_the_limit_or_beyond_understanding_is_asked_about(amount, expected):
    policy = RiskBasedPolicy(max_amount_without_approval=100)
    for args in (
        {"amount": amount},
        {"Total": amount},
        {"order": {"items": [{"price": 1}, {"price": amount}]}},
        {"payment": Payment(amount=amount)},
    ):
        assert asked(policy, action(**args)) is expected


@given(amount=st.integers() | st.floats() | st.decimals() | st.text(max_size=6))
def test_no_amount_above_the_limit_runs_unasked(amount):
    policy = RiskBasedPolicy(max_amount_without_approval=100)
    if not asked(policy, action(amount=amount)):
        assert abs(Decimal(amount)) <= 100


def test_a_limit_that_is_no_number_lets_nothing_through():
    assert asked(RiskBasedPolicy(max_amount_without_approval=float("nan")), action(amount=1))
    assert asked(RiskBasedPolicy(max_amount_without_approval=-1), action(amount=0))


def test_one_name_alone_is_a_name_and_not_its_letters():
    policy = RiskBasedPolicy(high_risk_tools="send_email", sensitive_arg_patterns={"to": "boss"})
    assert asked(policy, action(tool="send_email"))
    assert not asked(policy, action(to="sob"))
    assert asked(policy, action(to="the boss"))


def test_the_same_question_gets_the_same_answer_and_changes_nothing():
    policy = RiskBasedPolicy(
        sensitive_arg_patterns={"to": iter(["boss"])},
        high_risk_tools=iter(["send_email"]),
        max_amount_without_approval=1,
    )
    state = {"messages": ["hello"]}
    proposed = action(to="the boss", tool="mail")
    first = policy.should_request_approval(proposed, state)
    assert first == policy.should_request_approval(proposed, state)
    assert first[0]
    decision = Decision(action_id=proposed.id, approved=False)
    after = policy.post_decision_update(state, proposed, decision)
    assert state == {"messages": ["hello"]}
    assert [entry["tool_name"] for entry in after["_risk_policy_rejections"]] == ["mail"]
