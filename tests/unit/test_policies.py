"""Policies give the same answer to the same question, in words a person understands."""

from __future__ import annotations

from typing import Any

import pytest

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


def test_a_sensitive_word_is_found_deep_inside_and_in_any_case():
    policy = RiskBasedPolicy(sensitive_arg_patterns={"to": ["@Rival.example"]})
    assert asked(policy, action(to={"cc": ["joe@RIVAL.example"]}))
    assert not asked(policy, action(to="joe@friend.example"))
    assert not asked(policy, action(subject="@rival.example"))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (100, False),
        (100.01, True),
        ("250", True),
        ("99,50", True),
        (float("nan"), True),
        (10**400, True),
        (None, False),
        ([500], True),
    ],
)
def test_an_amount_above_the_limit_or_beyond_understanding_is_asked_about(amount, expected):
    policy = RiskBasedPolicy(max_amount_without_approval=100)
    assert asked(policy, action(amount=amount)) is expected


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
